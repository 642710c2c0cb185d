import { parseMetrics } from '../../report/prometheus.ts'

/** Reads metrics, to be asked for the value of a name, without its `provision_`, that has these labels. */
export function metricsIn(text: string) {
  const samples = parseMetrics(text)
  return (name: string, labels: Record<string, string>) =>
    samples.find(
      (sample) =>
        sample.name === `provision_${name}` && Object.entries(labels).every(([k, v]) => sample.labels[k] === v),
    )?.value
}
