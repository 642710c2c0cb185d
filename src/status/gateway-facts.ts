/**
 * What gateway.sh printed, as values. Times are seconds: `age` before now, `at` since 1970 by the gateway's own clock.
 */
export interface GatewayFacts {
  /** Of PID 1. */
  readonly bootAge: number | undefined
  readonly listeners: readonly ListeningSocket[]
  readonly connections: readonly Connection[]
  readonly units: readonly UnitState[]
  /** What sshd's log says of the accounts whose tunnels are not there; newest first. */
  readonly log: readonly LogLine[]
  /** The fingerprints of devices that share an account, by the name beside their keys. */
  readonly keys: ReadonlyMap<string, readonly string[]>
  /** The gateway's clock, where there is a log. */
  readonly now: number | undefined
  /** Of its journal, where news were asked for: what happens after this look comes after it. */
  readonly place?: string | undefined
}

export interface ListeningSocket {
  /** `/s/127.0.0.1_9022`, or `127.0.0.1:9022` as ss(8) spells it. */
  readonly place: string
  readonly program: string
  readonly pid: number
  readonly age: number | undefined
}

/** Of a session of sshd. */
export interface Connection {
  readonly pids: readonly number[]
  readonly from: string
  /** Since the last data came in. */
  readonly silentFor: number | undefined
  /** The quickest of the last minutes. */
  readonly roundTripMs: number | undefined
}

export interface UnitState {
  readonly name: string
  readonly active: string
  /** How long it has been so. */
  readonly age: number | undefined
}

export interface LogLine {
  readonly at: number
  /** `sshd`, or since 9.8 `sshd-session`. */
  readonly program: string
  readonly pid: number
  readonly text: string
}

export function parseGatewayFacts(text: string): GatewayFacts {
  const lines = text.split('\n')
  const told = (kind: string) =>
    lines.flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []))
  const uptime = number(told('uptime')[0])
  const ticks = number(told('ticks')[0]) ?? 100
  const ago = (sinceBoot: number | undefined) =>
    uptime === undefined || sinceBoot === undefined ? undefined : Math.max(0, uptime - sinceBoot)
  const started = new Map(told('process').map((line) => line.split(' ').map(Number) as [number, number]))
  const ageOf = (pid: number) => {
    const start = started.get(pid)
    return start === undefined ? undefined : ago(start / ticks)
  }
  return {
    bootAge: ageOf(1),
    listeners: told('listener').flatMap((line) => {
      const place = /^u_\S+\s+\S+\s+\d+\s+\d+\s+(\S+)|^LISTEN\s+\d+\s+\d+\s+(\S+)/.exec(line)
      const where = place?.[1] ?? place?.[2]
      return where === undefined ? [] : owners(line).map((owner) => ({ place: where, ...owner, age: ageOf(owner.pid) }))
    }),
    connections: told('connection').flatMap((line) => {
      const peer = /^\d+\s+\d+\s+\S+\s+(\S+):\d+\s/.exec(line)?.[1]
      const heard = number(/\blastrcv:(\d+)/.exec(line)?.[1])
      const pids = owners(line).map(({ pid }) => pid)
      const from = peer?.replace(/^\[(?:::ffff:)?(.*)\]$/, '$1')
      const silentFor = heard === undefined ? undefined : heard / 1000
      const roundTripMs = number(/\bminrtt:([\d.]+)/.exec(line)?.[1])
      return from === undefined ? [] : [{ pids, from, silentFor, roundTripMs }]
    }),
    units: blocks(told('unit')).map((unit) => ({
      name: unit.get('Id') ?? '',
      active: unit.get('LoadState') === 'not-found' ? 'missing' : (unit.get('ActiveState') ?? ''),
      age: ago(micro(unit.get('StateChangeTimestampMonotonic'))),
    })),
    log: told('journal').flatMap((line) => {
      const [, at, program = '', pid, said] = /^(\d+\.\d+) \S+ (\S+)\[(\d+)\]: (.*)$/.exec(line) ?? []
      return said === undefined ? [] : [{ at: Number(at), program, pid: Number(pid), text: said }]
    }),
    keys: keysOf(told('key')),
    now: number(told('now')[0]),
    place: told('place')[0],
  }
}

function owners(line: string): { readonly program: string; readonly pid: number }[] {
  return [...line.matchAll(/\("([^"]*)",pid=(\d+)/g)].map(([, program = '', pid]) => ({ program, pid: Number(pid) }))
}

/** systemctl show(1) prints an empty line between units. */
function blocks(lines: readonly string[]): ReadonlyMap<string, string>[] {
  const all = [new Map<string, string>()]
  for (const line of lines) {
    const at = line.indexOf('=')
    if (at < 0) all.push(new Map())
    else all.at(-1)?.set(line.slice(0, at), line.slice(at + 1))
  }
  return all.filter(({ size }) => size > 0)
}

/**
 * `256 SHA256:… provision k7w2m9qd host-a.lan.internal (ED25519)`, the mark or the name alone; while a key moves there
 * are two of a device.
 */
function keysOf(lines: readonly string[]): Map<string, string[]> {
  const keys = new Map<string, string[]>()
  for (const line of lines) {
    const [, fingerprint = '', name = ''] = /^\d+ (\S+) (?:.* )?(\S+) \(\S+\)$/.exec(line) ?? []
    keys.set(name, [...(keys.get(name) ?? []), fingerprint])
  }
  return keys
}

function number(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+(\.\d+)?$/.test(text) ? undefined : Number(text)
}

function micro(text: string | undefined): number | undefined {
  const found = number(text)
  return found === undefined || found === 0 ? undefined : found / 1e6
}
