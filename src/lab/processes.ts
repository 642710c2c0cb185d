import { readdirSync, readlinkSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { until } from './local.ts'

/** Processes whose network is this namespace. Membership is exact, so a recycled pid is never mistaken for ours. */
export async function processesIn(namespace: string): Promise<number[]> {
  return membersOf(await networksOf([namespace]))
}

/** As /proc names them; of a namespace that is not there, none. */
async function networksOf(namespaces: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await Promise.allSettled(namespaces.map((namespace) => stat(`/run/netns/${namespace}`)))
  return new Set(found.flatMap((each) => (each.status === 'fulfilled' ? [`net:[${each.value.ino}]`] : [])))
}

function membersOf(networks: ReadonlySet<string>, among = everyPid()): number[] {
  const isMember = (pid: number) => pid !== process.pid && networks.has(link(`/proc/${pid}/ns/net`) ?? '')
  return among.filter(isMember).sort((a, b) => a - b)
}

/** At once, and not each in a thread of its own, which takes three times the work: it is asked often. */
function everyPid(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
}

/** PID 1 of the machine that lives in this namespace, as this machine counts; undefined while it is off. */
export async function leaderIn(namespace: string): Promise<number | undefined> {
  for (const pid of await processesIn(namespace)) {
    const ids = (await field(pid, 'NSpid'))?.split(/\s+/) ?? []
    if (ids.length > 1 && ids.at(-1) === '1') return pid
  }
  return undefined
}

/**
 * Ends everything in these namespaces at once: nobody lives to see another one die, since all are stopped before the
 * first is killed. First all but nspawn itself: it tidies up after its dead PID 1 within milliseconds, which it could
 * not if it was killed too.
 */
export async function killIn(namespaces: readonly string[]): Promise<void> {
  let everything = false
  let dying: number[] = []
  const networks = await networksOf(namespaces)
  const round = async () => {
    // As long as one of them lives, there is no need to look through all processes of this machine for others.
    if (!everything && membersOf(networks, dying).length > 0) return undefined
    const pids = membersOf(networks)
    if (pids.length === 0) return true
    const spared = everything ? new Set<number>() : await nspawns(pids)
    // Looked up once more, with nothing to wait for before the signals: of those from before some have ended, and their
    // pids may already be those of others.
    dying = membersOf(networks)
    const mortal = dying.filter((pid) => !spared.has(pid))
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of mortal) kill(pid, signal)
    return undefined
  }
  if (await until(round, { timeoutMs: 1500, everyMs: 10 })) return
  everything = true
  await until(round, { timeoutMs: 5000, everyMs: 10 })
}

/** nspawn processes and the supervisors that started them. */
async function nspawns(pids: readonly number[]): Promise<Set<number>> {
  const found = new Set<number>()
  for (const pid of pids) {
    if ((await field(pid, 'Name')) !== 'systemd-nspawn') continue
    const ids = (await field(pid, 'NSpid'))?.split(/\s+/) ?? []
    if (ids.at(-1) === '1') continue
    found.add(pid).add(Number(await field(pid, 'PPid')))
  }
  return found
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function field(pid: number, name: string): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** The process that was found before, as long as it is the same and alive; else it is looked for. */
export function leaderOf(namespace: string): () => Promise<number | undefined> {
  let last: { readonly pid: number; readonly birth: string | undefined } | undefined
  return async () => {
    if (last?.birth !== undefined && (await birthOf(last.pid)) === last.birth) return last.pid
    const pid = await leaderIn(namespace)
    last = pid === undefined ? undefined : { pid, birth: await birthOf(pid) }
    return pid
  }
}

/** When a process was born, in clock ticks since boot: with its pid, its identity. Undefined for one that has ended. */
export async function birthOf(pid: number): Promise<string | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, ...fields] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' ? undefined : fields[18]
}
