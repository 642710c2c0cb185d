import { appendFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { errorCode, publish } from '../../files/atomic.ts'
import { placesIn } from '../../inventory/edit/locations.ts'
import type { Inventory } from '../../inventory/model.ts'
import { annotate, annotationsOf } from '../../report/ci/github.ts'
import { junit } from '../../report/ci/junit.ts'
import { metrics } from '../../report/ci/metrics.ts'
import { printJson } from '../../report/inert.ts'
import type { Report, Source } from '../../report/report.ts'
import { wrapped } from '../../report/terminal/paint.ts'
import type { TextOptions } from '../../report/terminal/plan.ts'
import { markdown } from '../../report/terminal/summary.ts'
import { printReport } from '../../report/terminal/text.ts'
import type { HostArguments } from './options.ts'
import { fromWorkspace } from './workspace.ts'

/** What machines read of a run, beside what is printed: files, and what a CI's runner takes from the log. */
export interface Outputs {
  /** What could not be written, a sentence each; the run itself has ended by then. */
  write(report: Report): Promise<readonly string[]>
}

export interface OutputOptions {
  readonly inventory: Inventory
  readonly argv: Pick<HostArguments, 'junit' | 'metrics' | 'json'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: () => Date
}

/**
 * Before a run: a file that cannot be written is told now, and not when the hosts have been changed.
 * @throws InventoryError
 */
export async function outputs({ inventory, argv, env, clock }: OutputOptions): Promise<Outputs> {
  const files = { '--junit': argv.junit, '--metrics': argv.metrics }
  for (const [option, file] of Object.entries(files)) if (file !== undefined) await canWrite(option, file)
  const onGitHub = env.GITHUB_ACTIONS === 'true'
  // As it was when it was read: `remove` takes lines out of it.
  const places = placesIn(await readFile(inventory.file, 'utf8').catch(() => ''), inventory)
  const source: Source = { file: fromWorkspace(inventory.file, env), ...places }
  return {
    async write(report) {
      const at = clock()
      const failed: string[] = []
      const attempt = (file: string | undefined, write: (file: string) => Promise<void>) =>
        file &&
        write(file).catch((error: unknown) => {
          failed.push(`${file} could not be written: ${why(error)}`)
        })
      await attempt(argv.junit, (file) => publish(file, junit(report, { at, source })))
      await attempt(argv.metrics, (file) => publish(file, metrics(report, at)))
      if (!onGitHub) return failed
      await attempt(env.GITHUB_STEP_SUMMARY, (file) => appendFile(file, markdown(report)))
      // The runner reads both streams; stdout may be a JSON document in a file.
      const log = argv.json ? process.stderr : process.stdout
      log.write(annotate(annotationsOf(report, source)))
      return failed
    },
  }
}

/**
 * The report on stdout, its files after it, and the exit code; a file that could not be written is a failure of its
 * own.
 */
export async function printOutputs(
  report: Report,
  { files, json, diffs }: { readonly files: Outputs; readonly json: boolean; readonly diffs: boolean },
): Promise<void> {
  process.stdout.write(json ? printJson(report) : printReport(report, { ...lookOf(process.stdout), diffs }))
  process.exitCode = report.exitCode
  for (const sentence of await files.write(report)) {
    process.stderr.write(`provision: error: ${sentence}\n`)
    process.exitCode ||= 1
  }
}

/** What is known of where a text is written: a terminal, or not. */
export function lookOf(out: NodeJS.WriteStream): Pick<TextOptions, 'color' | 'columns'> {
  return { color: out.hasColors?.() ?? false, ...(out.isTTY && { columns: out.columns }) }
}

/** What to do now; on stderr, as everything that is no result. */
export function tellNext(sentence: string): void {
  process.stderr.write(`${wrapped(`next: ${sentence}`, lookOf(process.stderr).columns, 2).join('\n')}\n`)
}

/** @throws InventoryError before a run, for a file that could not be written after it */
export async function canWrite(option: string, file: string): Promise<void> {
  if (file === '') throw new InventoryError(`${option} takes the name of a file`)
  if ((await stat(file).catch(() => undefined))?.isDirectory()) {
    throw new InventoryError(`${option} ${file}: is a folder`, `name the file in it, such as ${file}/report`)
  }
  const trial = `${file}.${process.pid}`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(trial, '', { flag: 'wx' })
    await rm(trial)
  } catch (error) {
    throw new InventoryError(`${option} ${file}: cannot be written: ${why(error)}`, 'name a file in a folder of yours')
  }
}

function why(error: unknown): string {
  const code = errorCode(error)
  if (code === undefined) throw error
  return reasons[code] ?? code
}

const inTheWay = 'a part of its path is a file'
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'its folder may not be written to',
  ENOENT: 'its folder is gone',
  EEXIST: inTheWay,
  ENOTDIR: inTheWay,
  ENOSPC: 'the disk is full',
  EROFS: 'its disk may only be read',
}
