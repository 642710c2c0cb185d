import yargs from 'yargs'
import { add } from './commands/add.ts'
import { apply } from './commands/apply.ts'
import { applyPlan } from './commands/apply-plan.ts'
import { doctor } from './commands/doctor.ts'
import { drill } from './commands/drill.ts'
import { exportInventory } from './commands/export.ts'
import { image } from './commands/image.ts'
import { importInventory } from './commands/import.ts'
import { init } from './commands/init.ts'
import { lab } from './commands/lab.ts'
import { remove } from './commands/remove.ts'
import { rename } from './commands/rename.ts'
import { report } from './commands/report.ts'
import { restoreGateway } from './commands/restore-gateway.ts'
import { rotate } from './commands/rotate.ts'
import { schema } from './commands/schema.ts'
import { fromWorkspace } from './commands/shared/workspace.ts'
import { sshConfig } from './commands/ssh-config.ts'
import { status } from './commands/status.ts'
import { trust } from './commands/trust.ts'
import { undo } from './commands/undo.ts'
import { verify } from './commands/verify.ts'
import { ConnectError, InventoryError, ProvisionError } from './errors.ts'
import { closest } from './inventory/messages.ts'
import { annotate } from './report/ci/github.ts'
import { inert } from './report/inert.ts'

/**
 * `provision WORDS…`: names the commands, nothing more. Sets process.exitCode; what could not go on is told on stderr as
 * `provision: error:` and `provision: hint:`.
 */
export async function main(words: readonly string[]): Promise<void> {
  const parser = yargs([...words])
  try {
    await parser
      .scriptName('provision')
      .usage('$0 INVENTORY\n\nReverse SSH tunnels for machines that nobody can call: looks, plans, changes, proves.')
      .command(apply)
      .command(applyPlan)
      .command(verify)
      .command(doctor)
      .command(status)
      .command(undo)
      .command(trust)
      .command(init)
      .command(add)
      .command(rotate)
      .command(rename)
      .command(remove)
      .command(restoreGateway)
      .command(drill)
      .command(image)
      .command(report)
      .command(sshConfig)
      .command(importInventory)
      .command(exportInventory)
      .command(schema)
      .command(lab)
      .demandCommand(0, 0)
      .strict()
      .version(__VERSION__)
      .help()
      .alias('help', 'h')
      .wrap(Math.min(process.stdout.columns ?? 100, 120))
      .parserConfiguration({ 'populate--': true })
      .middleware(lastWord, true)
      .exitProcess(false)
      // Without a throw here the command would run although its words are wrong (yargs with exitProcess(false)).
      .fail((message, error) => {
        throw message ? new WrongWords(message.replace(/^Not enough non-option.*/, 'a word is missing')) : error
      })
      .parseAsync()
  } catch (error) {
    tell(error instanceof WrongWords ? new InventoryError(error.message, slip(words, await parser.getHelp())) : error)
    process.exitCode = error instanceof InventoryError ? 2 : error instanceof ConnectError ? 3 : 1
  }
}

/** The words of the command line do not fit: not yet with a hint. */
class WrongWords extends InventoryError {}

/** What was meant: of all options and commands that the help names, the nearest to a word that it does not. */
function slip(words: readonly string[], help: string): string {
  const options = help.match(/--[a-z-]+/g) ?? []
  const commands = [...help.matchAll(/^ {2}provision ([a-z-]+)/gm)].map(([, command]) => command ?? '')
  for (const [index, word] of words.entries()) {
    const known = word.startsWith('--') ? options : index === 0 ? commands : []
    const name = word.replace(/=.*/, '')
    const meant = known.includes(name) ? undefined : closest(name, known)
    if (meant) return `did you mean ${meant}?`
  }
  return 'see `provision --help`'
}

const repeatable = new Set([
  'files',
  'suite',
  'limit',
  'gateway',
  'names',
  'device',
  'acceptNewHostKey',
  'keepIdentity',
  'keep-identity',
  'accept-new-host-key',
  'adopt',
  'stepAside',
  'step-aside',
  '_',
  '--',
])

/** Of an option that is given twice the last one counts, as in ssh with `-p`; yargs would make a list of it. */
function lastWord(words: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(words))
    if (Array.isArray(value) && !repeatable.has(name)) words[name] = value.at(-1)
}

function tell(error: unknown): void {
  const known = error instanceof ProvisionError
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(inert(`provision: error: ${message}\n`))
  if (known && error.hint) process.stderr.write(inert(`provision: hint: ${error.hint}\n`))
  if (error instanceof InventoryError && process.env.GITHUB_ACTIONS === 'true') process.stderr.write(pointed(error))
}

/** GitHub's runner reads both streams: these stand beside what they repeat. */
function pointed({ problems }: InventoryError): string {
  return annotate(
    problems.map(({ file, ...problem }) => ({
      ...problem,
      file: fromWorkspace(file, process.env),
      title: 'inventory',
    })),
  )
}

declare const __VERSION__: string
