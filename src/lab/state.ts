import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { hostsOf } from './names.ts'
import { firewallOf } from './network.ts'
import { type LabPlan, labs } from './plan.ts'
import { birthOf } from './processes.ts'

/** What a lab keeps on disk about itself. */
export interface State {
  readonly version: 1
  readonly phase: 'starting' | 'up'
  /** The process that starts it: when it dies before the lab is up, the lab is a wreck. */
  readonly owner: { readonly pid: number; readonly born: string | undefined }
  readonly plan: LabPlan
}

/** Claims the lab's directory, whole or not at all: two processes cannot both start the lab. */
export async function claim(plan: LabPlan): Promise<void> {
  const draft = join(labs, `.${plan.id}.${process.pid}`)
  await mkdir(draft, { recursive: true, mode: 0o700 })
  await mkdir(join(draft, 'home', '.ssh'), { recursive: true, mode: 0o700 })
  await writeFile(hostsOf({ directory: draft }), plan.hosts, { mode: 0o644 })
  const owner = { pid: process.pid, born: await birthOf(process.pid) }
  await save(draft, { version: 1, phase: 'starting', owner, plan })
  try {
    await rename(draft, plan.directory)
  } catch {
    await rm(draft, { recursive: true, force: true })
    throw new ProvisionError(`lab: another process is currently starting the lab of ${plan.inventory}`)
  }
}

export async function markUp(plan: LabPlan): Promise<void> {
  const state = await readState(plan.id)
  if (state) await save(plan.directory, { ...state, phase: 'up' })
}

/** The state of a lab by its id; undefined where there is none, or none that can be read. */
export async function readState(id: string): Promise<State | undefined> {
  try {
    const state: State = JSON.parse(await readFile(join(labs, id, 'state.json'), 'utf8'))
    return state.version === 1 ? state : undefined
  } catch {
    return undefined
  }
}

/** Ids of all labs here, whatever shape they are in. */
export async function labIds(): Promise<readonly string[]> {
  const entries = await readdir(labs).catch(() => [])
  return entries.filter((entry) => /^lab[0-9a-f]{6}$/.test(entry))
}

/** A lab nobody can use: its starter died, its networks are gone, or its state cannot be read. */
export async function isWreck(id: string): Promise<boolean> {
  const state = await readState(id)
  if (!state) return true
  if (state.phase === 'starting') return (await birthOf(state.owner.pid)) !== state.owner.born
  const namespaces: string[] = await readdir('/run/netns').catch(() => [])
  return !namespaces.includes(firewallOf(id))
}

async function save(directory: string, state: State): Promise<void> {
  const file = join(directory, 'state.json')
  await writeFile(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Says that ~/.ssh is there only because a lab needed a place to mount its own. */
export const madeSsh = join(labs, '.made-ssh')

/** OpenSSH takes `~` from the password database and never asks $HOME. */
export function passwdHome(): string {
  return userInfo().homedir || homedir()
}
