import type { ChildProcess, StdioOptions } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readIfThere } from '../../src/files/atomic.ts'
import { withId } from '../../src/inventory/edit/identity.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import { type Lab, type LabOptions, type Machine, up } from '../../src/lab/index.ts'
import { type LocalResult, until } from '../../src/lab/local.ts'
import type { Report } from '../../src/report/report.ts'
import { type Dialogue, onTerminal, type Talk, talk } from '../pty.ts'

/** What an ssh before 9.9 begins with takes 50 ms of a core at each login; then it takes what others take. */
const quickly = 'KexAlgorithms -sntrup*'

const bin = join(import.meta.dirname, '../../bin/provision.js')

/** The words of `provision` as a person would type them, in a lab of the inventory's own. Needs `npm run build`. */
export interface Rehearsal {
  readonly lab: Lab
  /** The inventory file, in a folder of its own. */
  readonly file: string
  readonly folder: string
  provision(words: readonly string[], options?: Options): Promise<Ran>
  /** `provision … --json`, parsed. */
  report(words: readonly string[], options?: Options): Promise<Ran & { report: Report }>
  /** Not waited for, and killed by its own pid. */
  spawn(words: readonly string[], options?: Options): ChildProcess
  /** On a terminal of so many columns, at which somebody waits for each text and types what goes with it. */
  typed(words: readonly string[], columns: number, dialogue: Dialogue): Promise<Talk>
  /** Another text for the same machines. */
  rewrite(inventory: unknown): Promise<void>
  down(): Promise<void>
}

export interface Options {
  /** `lan` (default), `guest`, or a machine. */
  readonly from?: string
  readonly env?: Record<string, string>
  readonly timeoutMs?: number
  /** Of what is spawned; nobody listens where it is absent. */
  readonly stdio?: StdioOptions
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RehearsalOptions extends LabOptions {
  /** Other files in the inventory's folder, name → text. */
  readonly beside?: Readonly<Record<string, string>>
}

/** Machines for an inventory (a value, or the text of one), up and running. Take them down in afterAll. */
export async function rehearse(inventory: unknown, options: RehearsalOptions = {}): Promise<Rehearsal> {
  const folder = await mkdtemp(join(tmpdir(), 'provision-e2e-'))
  for (const [name, text] of Object.entries(options.beside ?? {})) await writeFile(join(folder, name), text)
  const file = join(folder, 'inventory.json')
  const rewrite = async (value: unknown) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    // As with everybody who edits the file: its identity stays in it.
    const id = /"id": ?"([a-z0-9]+)"/.exec(await readIfThere(file))?.[1]
    await writeFile(file, id === undefined ? text : withId(text, id))
  }
  await rewrite(inventory)
  const lab = await up(await readInventory(file), { sshd: quickly, ...options })
  // Child processes write what they ran through; scripts/coverage.js adds it to what vitest saw. It costs a command a
  // fifth of its time: of six in a row, which mostly run through the same, one tells.
  const coverage = process.env.PROVISION_COVERAGE
  let commands = 0
  const env = (more: Record<string, string> = {}) => ({
    ...(coverage && commands++ % 6 === 0 && { NODE_V8_COVERAGE: coverage }),
    CI: 'true',
    // Where these tests themselves run in GitHub's CI.
    GITHUB_ACTIONS: '',
    // Node 20 reads such a file at every start, for 30 ms and more.
    NODE_EXTRA_CA_CERTS: '',
    ...more,
  })
  const words = (own: readonly string[]) => [process.execPath, bin, ...own]
  const provision: Rehearsal['provision'] = (own, { from, env: more, timeoutMs = 120_000 } = {}) =>
    lab.run(words(own), { env: env(more), timeoutMs, ...(from && { from }) })
  return {
    lab,
    file,
    folder,
    rewrite,
    provision,
    async report(own, more) {
      const ran = await provision([...own, '--json'], more)
      if (!ran.stdout.startsWith('{')) throw new Error(`no report, exit code ${ran.code}: ${ran.stderr}`)
      return { ...ran, report: JSON.parse(ran.stdout) as Report }
    },
    spawn: (own, { from, env: more, stdio = 'ignore' } = {}) =>
      lab.spawn(words(own), { env: env(more), stdio, ...(from && { from }) }),
    typed: (own, columns, dialogue) =>
      talk(
        lab.spawn(onTerminal(words(own), columns), { env: env({ CI: '', TERM: 'xterm' }), stdio: 'pipe' }),
        columns,
        dialogue,
      ),
    async down() {
      await lab.down()
      await rm(folder, { recursive: true })
    },
  }
}

/** The picture: a gateway and host001 in the guest network, host-a in the LAN. */
export const picture = {
  login: { user: 'user001' },
  gateways: { 'ssh-gw.guest.internal': {} },
  devices: { 'host-a.lan.internal': { forwards: ['127.0.0.1:9022:localhost:22'] } },
  clients: { 'host001.guest.internal': {} },
}

/** `name outcome` of every host, as one reads a report. */
export const outcomes = ({ hosts }: Report) => hosts.map(({ name, outcome }) => `${name} ${outcome}`)

export const states = ({ forwards }: Report) => forwards.map(({ state }) => state)

/** What a person types at a login shell of that machine. */
export function person(
  machine: Machine,
  script: string,
  { user = 'user001', timeoutMs = 30_000 } = {},
): Promise<LocalResult> {
  return machine.exec(['su', '-', user, '-c', script], { timeoutMs })
}

/** The block that `provision ssh-config` prints, and its known_hosts lines, where they belong for the people of a client. */
export async function equip({ lab, file, provision }: Rehearsal, client: string, user = 'user001'): Promise<void> {
  const machine = lab.machine(client)
  const parts = { config: ['--client', client], known_hosts: ['--known-hosts'] }
  for (const [name, words] of Object.entries(parts)) {
    const { code, stdout, stderr } = await provision(['ssh-config', file, ...words])
    if (code !== 0) throw new Error(`ssh-config: ${stderr}`)
    await place(machine, { path: `/home/${user}/.ssh/${name}`, text: stdout, owner: user })
  }
}

/** A file inside a machine. */
export async function place(machine: Machine, file: { path: string; text: string; owner?: string }): Promise<void> {
  const script = 'umask 077 && cat >"$1" && chown "$2" "$1"'
  const argv = ['sh', '-c', script, 'sh', file.path, file.owner ?? 'root']
  const { code, stderr } = await machine.exec(argv, { input: file.text })
  if (code !== 0) throw new Error(`${machine.name}: ${file.path}: ${stderr}`)
}

/** Verifies until every forward is in this state, and gives the last report; the whole thing has a deadline. */
export async function verified({ report, file }: Rehearsal, state = 'ok', timeoutMs = 40_000): Promise<Report> {
  const look = async () => {
    const { report: found } = await report(['verify', file, '--timeout', '5'])
    return found.forwards.every((forward) => forward.state === state) ? found : undefined
  }
  const found = await until(look, { timeoutMs, everyMs: 300 })
  if (!found) throw new Error(`no forward is ${state} after ${timeoutMs} ms`)
  return found
}
