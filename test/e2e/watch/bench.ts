import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { StatusReport } from '../../../src/report/status/status.ts'
import { first, gatewayFaults, second, type WatchFault } from './faults.ts'
import { gateway, others, type Site, site } from './site.ts'
import { watch } from './watcher.ts'

/** Seconds after the fault; absent: not within `withinS`. */
export interface Noticed {
  readonly fault: string
  readonly state: string
  /** The watcher, with its own defaults, prints it with `--verbose`. */
  readonly watch?: number
  /** The first `provision status` that tells it was begun then. */
  readonly status?: number
  /** A TCP connect to the forward's port on the gateway, or to the gateway's port 22, fails from then on. */
  readonly connect?: number
  /** … or does not bring the greeting of an sshd within 3 s. */
  readonly greeting?: number
}

export const withinS = 90
const [probeS, statusS] = [3, 5]

type Placed = readonly [host: string, fault: WatchFault]
/** When each host was seen to be away, by one of those that look. Milliseconds since 1970. */
type Sights = Map<string, number>
const note = (sights: Sights, name: string, at: number) => sights.set(name, Math.min(at, sights.get(name) ?? at))

/** All faults of the test, each once, one round after the other. */
export async function bench(say: (text: string) => void): Promise<readonly Noticed[]> {
  const all = [...first, ...second]
  const count = Math.ceil(all.length / 2)
  const at = await site(count, 3600)
  try {
    const rounds = [all.slice(0, count), all.slice(count)].map((faults, n): Placed[] => [
      ...faults.map((fault, index) => [at.devices[index] ?? '', fault] as const),
      ...(gatewayFaults[n] ?? []).map((fault, index) => [others[index] ?? '', fault] as const),
    ])
    const noticed: Noticed[] = []
    for (const [n, placed] of rounds.entries()) {
      say(placed.map(([, { name }]) => name).join(', '))
      noticed.push(...(await round(at, placed, join(at.it.folder, `state-${n}`))))
    }
    return noticed
  } finally {
    await at.it.down()
  }
}

async function round(at: Site, placed: readonly Placed[], state: string): Promise<Noticed[]> {
  const watcher = await watch(at.it, state, [])
  for (const name of at.devices) await watcher.says(`seen ${name}, 127.0.0.1:`)
  for (const name of others) await watcher.says(`seen ${name}: reached`)
  const ended = new AbortController()
  // Somewhere between two looks.
  await wait(10_000)
  const struck = new Map<string, number>()
  const began = Date.now()
  const [connects, greetings, statuses]: [Sights, Sights, Sights] = [new Map(), new Map(), new Map()]
  const probers = probe(at, placed, (kind, name) => {
    // Only after the fault: a session may be new.
    if (struck.has(name)) note(kind === 'connect' ? connects : greetings, name, Date.now())
  })
  const looks = look(at, ended.signal, (name, when) => {
    if (when >= (struck.get(name) ?? Number.POSITIVE_INFINITY)) note(statuses, name, when)
  })
  await Promise.all(
    placed.map(async ([host, { strike }]) => {
      await strike(at.place(host))
      struck.set(host, Date.now())
    }),
  )
  await wait(withinS * 1000)
  ended.abort()
  for (const prober of probers) prober.kill('SIGKILL')
  await looks
  const seen = watcher.seenSince(began / 1000)
  await watcher.end('SIGTERM')
  await Promise.all(placed.map(([host, { mend }]) => mend?.(at.place(host))))
  await wait(10_000)
  return placed.map(([host, { name, state = '' }]) => {
    const after = (time: number | undefined) =>
      time === undefined ? undefined : Math.max(0, Math.round((time - (struck.get(host) ?? 0)) / 100) / 10)
    const watched = seen.get(host)
    const times = {
      watch: after(watched === undefined ? undefined : watched * 1000),
      status: after(statuses.get(host)),
      connect: after(connects.get(host)),
      greeting: after(greetings.get(host)),
    }
    return { fault: name, state, ...(JSON.parse(JSON.stringify(times)) as Partial<Noticed>) }
  })
}

/** What a blackbox exporter would do: beside the gateway for its forwards, and from the watcher's network for a gateway. */
function probe(
  at: Site,
  placed: readonly Placed[],
  failed: (kind: 'connect' | 'greeting', name: string) => void,
): ChildProcess[] {
  const script = (where: string, port: number) => `
    open='exec 3<>/dev/tcp/${where}/${port}'
    while :; do
      timeout 3 bash -c "$open" 2>/dev/null || echo connect
      timeout 3 bash -c "$open && read -r line <&3 && [[ \\$line == SSH-2.0* ]]" 2>/dev/null || echo greeting
      sleep ${probeS}
    done`
  return placed.map(([host]) => {
    const { host: machine, port } = at.place(host)
    const isGateway = others.some((name) => name === host)
    const where = isGateway ? machine.address : '127.0.0.1'
    const child = at.it.lab.spawn(['bash', '-c', script(where, isGateway ? 22 : port)], {
      from: isGateway ? 'lan' : gateway,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const kind of text.split('\n')) if (kind === 'connect' || kind === 'greeting') failed(kind, host)
    })
    return child
  })
}

/** One `provision status` after the other is begun, whether or not the last one is over. */
async function look({ it }: Site, ended: AbortSignal, tells: (name: string, begun: number) => void): Promise<void> {
  const all: Promise<void>[] = []
  while (!ended.aborted) {
    const begun = Date.now()
    const run = it.provision(['status', it.file, '--json']).then(({ stdout }) => {
      const { gateways, forwards } = JSON.parse(stdout) as StatusReport
      for (const { name, state } of gateways) if (state !== 'ok') tells(name, begun)
      for (const { device, state } of forwards) if (state !== 'ok') tells(device, begun)
    })
    all.push(run)
    await wait(statusS * 1000)
  }
  await Promise.all(all)
}
