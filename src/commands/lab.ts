import { dirname, resolve } from 'node:path'
import type { Argv, CommandModule } from 'yargs'
import { InventoryError, ProvisionError } from '../errors.ts'
import type { Lab, LabOptions, Machine, Suite } from '../lab/index.ts'
import { defaultInventory } from './line/default-inventory.ts'
import { inventoryArgument } from './shared/options.ts'

// Results on stdout, progress on stderr, and the exit code of a command is the exit code of `run` and `exec`.

interface InventoryArgument {
  readonly inventory: string
}

interface MachineArgument extends InventoryArgument {
  readonly name: string
}

/** `provision lab …`: real machines on this machine, made from an inventory. */
export const labCommand: CommandModule = {
  command: 'lab <command>',
  describe: 'Run real machines on this computer, made from an inventory',
  builder: (yargs) =>
    [up, down, status, run, exec, ...switches, reflash, forget]
      .reduce((all, command) => command(all), yargs)
      .demandCommand(1, 'expected a lab command')
      .example('provision lab up', 'a machine for each host of inventory.json')
      .example('provision lab run -- provision apply', 'a rehearsal')
      .example('provision lab down', 'and nothing is left')
      .epilogue('README.md#first-use-on-your-own-machines'),
  handler: () => undefined,
}

const machineArgument = <T>(yargs: Argv<T>) =>
  inventoryArgument(yargs).positional('name', {
    type: 'string',
    demandOption: true,
    describe: 'A host of the inventory',
  })

const up = (yargs: Argv): Argv =>
  yargs.command(
    'up <inventory>',
    'Boot one machine per host; the machines run until `lab down`',
    (words) =>
      inventoryArgument(words)
        .option('suite', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'Debian release: trixie, or NAME=bookworm for one machine',
        })
        .option('sudo-password', { type: 'string', describe: 'Give accounts this password, and have sudo ask for it' }),
    async ({ inventory, suite, sudoPassword }) => {
      const { up } = await import('../lab/index.ts')
      const options: LabOptions = {
        suite: await suitesFrom(suite),
        progress: say,
        ...(sudoPassword === undefined ? {} : { sudoPassword }),
      }
      const started = performance.now()
      const lab = await interruptible((signal) =>
        inventoryOf(inventory).then((read) => up(read, { ...options, signal })),
      )
      if (!lab) return
      say(`${lab.machines.length} machines are up after ${((performance.now() - started) / 1000).toFixed(1)} s`)
      await printStatus(lab, false)
    },
  )

const down = (yargs: Argv): Argv =>
  yargs.command(
    'down [inventory]',
    'Take the lab down, and remove all that it has made',
    (words) =>
      words.positional('inventory', { type: 'string', describe: 'The inventory' }).option('all', {
        type: 'boolean',
        default: false,
        describe: 'All labs on this computer, also those that a crash left behind',
      }),
    async ({ inventory, all }) => {
      const { downAll, takeDown, labId } = await import('../lab/index.ts')
      if (all) for (const id of await downAll()) say(`took down ${id}`)
      else await takeDown(labId(whereabouts(inventory ?? defaultInventory(process.env))))
    },
  )

const status = (yargs: Argv): Argv =>
  yargs.command(
    'status <inventory>',
    'Show the machines and their state',
    (words) =>
      inventoryArgument(words).option('json', { type: 'boolean', default: false, describe: 'Print one JSON document' }),
    async ({ inventory, json }) => printStatus(await labOf(inventory), json),
  )

const run = (yargs: Argv): Argv =>
  yargs.command(
    'run <inventory>',
    'Run a command on the admin machine: lab run [INVENTORY] -- CMD…',
    (words) =>
      inventoryArgument(words).parserConfiguration({ 'populate--': true }).option('from', {
        type: 'string',
        default: 'lan',
        describe: 'The network to run in: guest, lan, or that of a host',
      }),
    async ({ inventory, from, ...words }) => {
      const lab = await labOf(inventory)
      process.exitCode = await lab.attach(commandIn(words), { from })
    },
  )

const exec = (yargs: Argv): Argv =>
  yargs.command(
    'exec <inventory> <name>',
    'Run a command inside a machine, as root, without ssh: lab exec [INVENTORY] NAME -- CMD…',
    (words) => machineArgument(words).parserConfiguration({ 'populate--': true }),
    async ({ inventory, name, ...words }) => {
      const machine = (await labOf(inventory)).machine(name)
      process.exitCode = await machine.attach(commandIn(words))
    },
  )

const doing = {
  cut: 'Cut the cable of a machine, so that packets vanish silently',
  mend: 'Mend the cable of a machine',
  kill: 'Cut the power of a machine; its disk stays',
  boot: 'Switch a machine on again',
  renumber: 'Give a machine another address, as after a new DHCP lease',
} as const satisfies Partial<Record<keyof Machine, string>>

const verbs = Object.keys(doing) as (keyof typeof doing)[]

const switches = verbs.map(
  (verb) =>
    (yargs: Argv): Argv =>
      yargs.command(
        `${verb} <inventory> <name>`,
        doing[verb],
        machineArgument,
        async ({ inventory, name }: MachineArgument) => (await labOf(inventory)).machine(name)[verb](),
      ),
)

const given = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const

const reflash = (yargs: Argv): Argv =>
  yargs.command(
    'reflash <inventory> <name>',
    'Give a machine a fresh card: all its data is lost, its host keys are new',
    (words) =>
      machineArgument(words)
        .option('seed', given('Flash it as for a Raspberry Pi, with the files that provision image --output wrote'))
        .option(
          'image',
          given('Emulate it: this image, which got its seed by provision image, is its disk from now on'),
        )
        .conflicts('seed', 'image'),
    async ({ inventory, name, seed, image }) => {
      const card = seed === undefined ? image && { image } : { seed }
      await (await labOf(inventory)).machine(name).reflash(card ? { ...card, progress: say } : undefined)
    },
  )

const forget = (yargs: Argv): Argv =>
  yargs.command(
    'forget <inventory>',
    'Make the firewall forget all connections, silently',
    (words) => inventoryArgument(words),
    async ({ inventory }) => (await labOf(inventory)).forget(),
  )

/** A running lab is found by the path of its inventory alone, also while its text is not valid. */
function whereabouts(file: string) {
  return { file, directory: dirname(resolve(file)) }
}

async function inventoryOf(file: string) {
  const { readInventory } = await import('../inventory/read/inventory.ts')
  return readInventory(file)
}

async function labOf(file: string): Promise<Lab> {
  const { findLab } = await import('../lab/index.ts')
  const lab = await findLab(whereabouts(file))
  if (lab) return lab
  throw new ProvisionError(`lab: no lab of ${file} is up`, `provision lab up ${file}`)
}

async function suitesFrom(words: readonly string[]): Promise<Readonly<Record<string, Suite>>> {
  const { suites } = await import('../lab/index.ts')
  return Object.fromEntries(
    words.map((word) => {
      const [name, given] = word.includes('=') ? word.split('=', 2) : ['*', word]
      const suite = suites.find((known) => known === given)
      if (name && suite) return [name, suite]
      throw new InventoryError(`--suite ${word}: no such release`, `one of ${suites.join(', ')}, or NAME=${suites[0]}`)
    }),
  )
}

/** What stands after `--`. */
function commandIn(words: object): readonly string[] {
  const command = '--' in words && Array.isArray(words['--']) ? words['--'].map(String) : []
  if (command.length > 0) return command
  throw new InventoryError('lab: no command given', 'put it after two dashes: -- CMD…')
}

async function printStatus(lab: Lab, json: boolean): Promise<void> {
  const rows = await Promise.all(
    lab.machines.map(async ({ name, role, suite, address, ports, user, namespace, ...machine }) => ({
      ...{ name, role, state: await machine.state(), suite, address, ports, user, namespace },
    })),
  )
  const { id, inventory, directory } = lab
  if (json) return print(JSON.stringify({ id, inventory, directory, machines: rows }, null, 2))
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, role, state, suite, address } of rows)
    print(`${name.padEnd(width)}  ${role.padEnd(7)}  ${state.padEnd(3)}  ${suite.padEnd(8)}  ${address}`)
}

/** Ctrl-C ends the work, which then tidies up after itself. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const controller = new AbortController()
  const stop = () => controller.abort(new ProvisionError('lab: interrupted, and the lab was taken down again'))
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    say('interrupted, and the lab was taken down again')
    process.exitCode = 130
    return undefined
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function say(line: string): void {
  process.stderr.write(`lab: ${line}\n`)
}
