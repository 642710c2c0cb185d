import { readJsonFile } from '../files/json.ts'
import type { Report } from '../report/report.ts'

const commands: readonly string[] = ['apply', 'check', 'verify'] satisfies Report['command'][]

/**
 * A report that an earlier run has printed with `--json`.
 * @throws InventoryError when this is no such file
 */
export const readReport = (file: string): Promise<Report> =>
  readJsonFile<Report>(file, {
    what: 'report of a run, a check or a verify',
    hint: 'a report is what `--json` prints: provision … --json >FILE',
    isWhole: ({ version, command, inventory, exitCode, hosts, forwards, recoveries, wire }) =>
      version === 1 &&
      commands.includes(command ?? '') &&
      typeof inventory === 'string' &&
      typeof exitCode === 'number' &&
      [hosts, forwards, recoveries].every(Array.isArray) &&
      wire !== undefined,
  })
