import { styleText } from 'node:util'
import { clean } from '../inert.ts'
import { withLocalTimes } from '../local-time.ts'
import type { DoctorReport, LinkReport, TunnelReport } from './doctor.ts'

/**
 * How a diagnosis reads: a line for each link, in the order in which a connection is made, and below the broken one
 * what mends it.
 */
export function printDiagnosis(report: DoctorReport, { color }: { readonly color: boolean }): string {
  const rows = report.tunnels.flatMap((tunnel) => [
    `tunnel of ${report.device} to ${tunnel.gateway}:`,
    ...tunnel.links.flatMap((link) => linkLines(link, color)),
  ])
  return `${[...rows, closing(report)].join('\n')}\n`
}

const words = { ok: '✓ ok      ', broken: '✗ broken  ', unseen: '? not seen' } as const
const styles = { ok: 'green', broken: 'red', unseen: 'yellow' } as const

function linkLines({ link, state, says, mend }: LinkReport, color: boolean): string[] {
  const word = color ? styleText(styles[state], words[state], { validateStream: false }) : words[state]
  const line = `${word}  ${link.padEnd(16)}  ${one(says)}`
  return mend === undefined ? [line] : [line, `  mend: ${one(mend)}`]
}

/** On one line: what a machine said may have several. */
const one = (text: string) =>
  withLocalTimes(clean(text))
    .trim()
    .replaceAll(/\s*\n\s*/g, ' / ')

function closing({ tunnels, seconds }: DoctorReport): string {
  const several = tunnels.length > 1
  const found = tunnels.flatMap((tunnel) =>
    verdict(tunnel).map((text) => (several ? `${text} (${tunnel.gateway})` : text)),
  )
  return `${found.join('; ')}, ${seconds.toFixed(1)} s`
}

function verdict({ links }: TunnelReport): string[] {
  const last = links.at(-1)
  if (last?.state === 'broken') return [`broken: ${last.link}`]
  const unseen = links.filter(({ state }) => state === 'unseen').map(({ link }) => link)
  return [unseen.length > 0 ? `nothing broken was found, not seen: ${unseen.join(', ')}` : 'nothing is wrong']
}
