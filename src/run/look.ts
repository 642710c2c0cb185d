import { randomBytes } from 'node:crypto'
import { ProvisionError } from '../errors.ts'
import { troubleOf } from '../report/trouble.ts'
import type { Resource } from '../resources/resource.ts'
import { allEnded } from './all-ended.ts'
import type { Run } from './context.ts'
import { failLook, logIn, type Member, observe, startAgain, trustKeys } from './fleet.ts'
import { observeScript, parseObservations, unfit } from './plan/observation.ts'

const lookMs = 60_000

/** What a look needs of its run. */
export type LookContext = Pick<Run, 'fleet' | 'login' | 'pins' | 'progress' | 'debug' | 'end'>

/** All hosts at once; each look has ended when this has, whatever came of it. */
export async function lookAtAll(run: LookContext): Promise<void> {
  const members = [...run.fleet.members.values()]
  run.progress.expect('look', [...run.fleet.members.keys()])
  await allEnded(members.map((member) => lookAtHost(member, run)))
}

/** Everything the playbook wants to know of one host. */
export async function lookAtHost(member: Member, run: LookContext): Promise<void> {
  const { host, resources } = member
  const mark = `seen-${randomBytes(16).toString('hex')}`
  try {
    const stdout = await askHost(member, resources.length > 0 ? observeScript(resources, mark) : undefined, run)
    if (!stdout) return
    const lack = unfit(stdout, mark)
    if (lack) {
      const error = new ProvisionError(lack.refused, lack.hint)
      failLook(member, error)
      run.end(member, 'rejected', troubleOf(error))
      return
    }
    observe(member, parseObservations(stdout, resources, mark))
    await pinObserved(member, resources, run)
  } catch (error) {
    failLook(member, error)
    run.end(member, 'unreachable', troubleOf(error))
  } finally {
    run.progress.over('look', host.name)
  }
}

export async function lookAgain(member: Member, run: LookContext): Promise<void> {
  startAgain(member)
  await lookAtHost(member, run)
}

/**
 * The first that a run asks of a host: one connection, one exec, all in one slot; without a script the connection
 * alone.
 * @throws as login and exec do
 */
export async function askHost(
  member: Member,
  script: string | undefined,
  { login, progress, debug }: Pick<Run, 'login' | 'progress' | 'debug'>,
): Promise<Buffer | undefined> {
  let asked = () => {}
  const until = new Promise<void>((resolve) => {
    asked = resolve
  })
  try {
    const session = await logIn(member, login(member, { until }))
    if (script === undefined) return undefined
    progress.phase(member.host.name, 'look')
    debug(`look at ${member.host.name}`, script)
    return (await session.exec(script, { timeoutMs: lookMs, privileged: true })).stdout
  } finally {
    asked()
  }
}

/** A host's own word, over a login that is pinned, about the keys that it will prove. */
export async function pinObserved(
  member: Member,
  resources: readonly Resource[],
  { pins }: Pick<Run, 'pins'>,
): Promise<void> {
  const keys = resources.flatMap((resource) => {
    const shown = member.shown.get(resource.id)
    return (shown && resource.hostKeys?.(shown.text)) ?? []
  })
  if (keys.length > 0) await pins.add(member.host, keys)
  trustKeys(member, await pins.trusted(member.host))
}
