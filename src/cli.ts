import yargs from 'yargs'
import { addCommand } from './commands/add.ts'
import { applyCommand } from './commands/apply.ts'
import { applyPlanCommand } from './commands/apply-plan.ts'
import { cpCommand } from './commands/cp.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drillCommand } from './commands/drill.ts'
import { execCommand } from './commands/exec.ts'
import { exportCommand } from './commands/export.ts'
import { imageCommand } from './commands/image.ts'
import { importCommand } from './commands/import.ts'
import { initCommand } from './commands/init.ts'
import { labCommand } from './commands/lab.ts'
import { openCommand } from './commands/open.ts'
import { removeCommand } from './commands/remove.ts'
import { renameCommand } from './commands/rename.ts'
import { reportCommand } from './commands/report.ts'
import { restoreGatewayCommand } from './commands/restore-gateway.ts'
import { rotateCommand } from './commands/rotate.ts'
import { schemaCommand } from './commands/schema.ts'
import { fromWorkspace } from './commands/shared/workspace.ts'
import { sshCommand } from './commands/ssh.ts'
import { sshConfigCommand } from './commands/ssh-config.ts'
import { statusCommand } from './commands/status.ts'
import { trustCommand } from './commands/trust.ts'
import { undoCommand } from './commands/undo.ts'
import { verifyCommand } from './commands/verify.ts'
import { ConnectError, InventoryError, ProvisionError } from './errors.ts'
import { closest } from './inventory/messages.ts'
import { annotate } from './report/ci/github.ts'
import { inert } from './report/inert.ts'

/**
 * `provision WORDS…`: names the commands, nothing more. Sets process.exitCode; errors are printed on stderr as
 * `provision: error:` and `provision: hint:`.
 */
export async function main(words: readonly string[]): Promise<void> {
  const parser = yargs([...words])
  try {
    await parser
      .scriptName('provision')
      .usage('$0 INVENTORY\n\nSet up and verify reverse SSH tunnels to machines that cannot be reached directly')
      .command(applyCommand)
      .command(applyPlanCommand)
      .command(verifyCommand)
      .command(doctorCommand)
      .command(statusCommand)
      .command(undoCommand)
      .command(sshCommand)
      .command(execCommand)
      .command(cpCommand)
      .command(openCommand)
      .command(trustCommand)
      .command(initCommand)
      .command(addCommand)
      .command(rotateCommand)
      .command(renameCommand)
      .command(removeCommand)
      .command(restoreGatewayCommand)
      .command(drillCommand)
      .command(imageCommand)
      .command(reportCommand)
      .command(sshConfigCommand)
      .command(importCommand)
      .command(exportCommand)
      .command(schemaCommand)
      .command(labCommand)
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
        throw message ? new WrongWords(message.replace(/^Not enough non-option.*/, whatIsMissing(words))) : error
      })
      .parseAsync()
  } catch (error) {
    tell(error instanceof WrongWords ? new InventoryError(error.message, slip(words, await parser.getHelp())) : error)
    process.exitCode = error instanceof InventoryError ? 2 : error instanceof ConnectError ? 3 : 1
  }
}

/** What a command line without all its arguments lacks. */
function whatIsMissing(words: readonly string[]): string {
  const [command = '', first] = words.filter((word) => !word.startsWith('-'))
  if (command === 'report') return 'expected a report file'
  if (first !== undefined) return 'an argument is missing'
  const needed = {
    apply: 'a plan file',
    import: 'a file to import',
    lab: 'a lab command',
    ssh: 'the name of a host',
    open: 'the name of a host',
    cp: 'a file, and where it is to go',
  }[command]
  return `expected ${needed ?? 'an inventory file'}`
}

/** The command line is wrong: not yet with a hint. */
class WrongWords extends InventoryError {}

/** What was meant: of all options and commands that the help names, the nearest to a word that is unknown. */
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
  'command',
  'places',
  'suite',
  'limit',
  'gateway',
  'skip',
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
