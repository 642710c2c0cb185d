import type { ForwardReport, ForwardState, HostReport, Outcome, Report } from '../report.ts'

/**
 * The report for Prometheus, in its text format, for the textfile collector of node_exporter or a Pushgateway. Base
 * units; a state is one series for each value that it can have, of which one is 1; a moment is a time, not an age, so
 * that `time() - x` is right whenever it is asked. `inventory` is on every series, so that several inventories can
 * share a folder.
 */
export function metrics(report: Report, at: Date): string {
  const run = { inventory: report.inventory }
  const last = { ...run, command: report.command }
  const host = ({ name, role }: HostReport) => ({ ...run, host: name, role })
  const forward = ({ device, gateway, bindAddress, port }: ForwardReport) => ({
    ...run,
    ...{ device, gateway, bind_address: bindAddress, port: String(port) },
  })
  const { hosts, forwards } = report
  return [
    metric('run_timestamp_seconds', 'When the last run ended, in seconds since 1970.', [
      [last, Math.round(at.getTime()) / 1000],
    ]),
    metric('run_duration_seconds', 'How long the last run took.', [[last, report.seconds]]),
    metric('run_exit_code', 'Its exit code: 0 as asked, 1 failed, 3 unreachable, 4 differs, 130 interrupted.', [
      [last, report.exitCode],
    ]),
    metric(
      'host_up',
      'Whether the host could be logged in to.',
      hosts.map((each) => [host(each), Number(!away.has(each.outcome))]),
    ),
    metric(
      'host_outcome',
      'How the run ended on the host: 1 for the outcome that it had.',
      hosts.flatMap((each) =>
        outcomes.map((outcome) => [{ ...host(each), outcome }, Number(outcome === each.outcome)]),
      ),
    ),
    metric(
      'host_drifted_resources',
      'Resources that are not as written, and were not changed by this run.',
      hosts.flatMap((each) =>
        looked.has(each.outcome) ? [[host(each), each.outcome === 'differs' ? each.changes.length : 0]] : [],
      ),
    ),
    metric(
      'host_duration_seconds',
      'How long the host took, from the first connection to its end.',
      hosts.map((each) => [host(each), each.seconds]),
    ),
    metric(
      'device_up',
      'Whether the device answers as itself through at least one of its forwards.',
      devices(forwards, run),
    ),
    metric(
      'device_last_proof_timestamp_seconds',
      'When the device last answered as itself through a forward, as far as this machine knows, in seconds since 1970.',
      lastProofs(forwards, run),
    ),
    metric(
      'forward_up',
      'Whether the forward reaches its device.',
      forwards.map((each) => [forward(each), Number(each.state === 'ok')]),
    ),
    metric(
      'forward_state',
      'What was found behind the forward: 1 for the state that it is in.',
      forwards.flatMap((each) =>
        forwardStates.map((state) => [{ ...forward(each), state }, Number(state === each.state)]),
      ),
    ),
    metric(
      'forward_handshake_seconds',
      'From the connection through the forward to the end of the login behind it.',
      forwards.flatMap((each) => (each.latencyMs === undefined ? [] : [[forward(each), each.latencyMs / 1000]])),
    ),
  ].join('')
}

export type Labels = Readonly<Record<string, string>>
export type Sample = [labels: Labels, value: number]

const outcomes: readonly Outcome[] = [
  'ok',
  'changed',
  'differs',
  'rejected',
  'undone',
  'undo-failed',
  'unreachable',
  'unknown',
]
/** For the others this is not known. */
const looked = new Set<Outcome>(['ok', 'changed', 'differs'])
const away = new Set<Outcome>(['unreachable', 'unknown'])
export const forwardStates: readonly ForwardState[] = [
  'ok',
  'no-tunnel',
  'stale',
  'device-sshd-down',
  'wrong-device',
  'unverified',
]

function byDevice(forwards: readonly ForwardReport[]): [string, ForwardReport[]][] {
  const names = new Set(forwards.map(({ device }) => device))
  return [...names].map((name) => [name, forwards.filter(({ device }) => device === name)])
}

const devices = (forwards: readonly ForwardReport[], run: Labels) =>
  byDevice(forwards).map(
    ([device, own]): Sample => [{ ...run, device }, Number(own.some(({ state }) => state === 'ok'))],
  )

const lastProofs = (forwards: readonly ForwardReport[], run: Labels) =>
  byDevice(forwards).flatMap(([device, own]): Sample[] => {
    const times = own.flatMap(({ lastProof }) => (lastProof ? [Date.parse(lastProof) / 1000] : []))
    return times.length > 0 ? [[{ ...run, device }, Math.max(...times)]] : []
  })

/** A metric that nobody has a value for is left out whole. */
export function metric(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value]) => `provision_${name}{${printLabels(labels)}} ${value}\n`)
  return `# HELP provision_${name} ${help}\n# TYPE provision_${name} gauge\n${lines.join('')}`
}

function printLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',')
}
