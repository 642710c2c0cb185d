import { readFile } from 'node:fs/promises'
import { InventoryError } from './errors.ts'
import type { Report } from './report/report.ts'
import { errorCode } from './session/file.ts'

const commands: readonly string[] = ['apply', 'check', 'verify'] satisfies Report['command'][]

/**
 * A report that an earlier run has printed with `--json`.
 * @throws InventoryError when this is no such file
 */
export async function readReport(file: string): Promise<Report> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InventoryError(`${file}: cannot be read (${errorCode(error) ?? error})`, hint)
  })
  const report = parse(text)
  if (report) return report
  throw new InventoryError(`${file}: is no report of a run, a check or a verify`, hint)
}

const hint = 'a report is what `--json` prints: provision … --json >FILE'

function parse(text: string): Report | undefined {
  try {
    const report = JSON.parse(text) as Partial<Report> | null
    const lists = [report?.hosts, report?.forwards, report?.recoveries]
    const whole =
      report?.version === 1 &&
      commands.includes(report.command ?? '') &&
      typeof report.inventory === 'string' &&
      typeof report.exitCode === 'number' &&
      lists.every(Array.isArray) &&
      report.wire !== undefined
    return whole ? (report as Report) : undefined
  } catch {
    return undefined
  }
}
