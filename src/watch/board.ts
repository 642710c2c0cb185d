import { type Device, type Gateway, hosts, type Inventory } from '../inventory/model.ts'
import type { ForwardStatus } from '../report/status/status.ts'
import { order } from '../report/status/words.ts'
import type { GatewaySight } from './gateway-sight.ts'
import { type Moment, middle } from './moment.ts'
import {
  due,
  type Rules,
  type Sighting,
  type Standing,
  type StandingChange,
  see,
  standingAs,
  type Told,
} from './standing.ts'

/** What is known of every gateway, device and forward now. Pure but for what it holds. */
export interface WatchBoard {
  /** Another inventory, or the same one edited: what it still names keeps its standing. */
  use(inventory: Inventory): void
  gateway(sight: GatewaySight): void
  /** `begin`: since when it is so, where that is known. */
  forward(status: ForwardStatus, at: number, begin?: Moment): void
  /** What people are to be told now; gateways first. */
  changes(at: number): HostChange[]
  readonly inventory: Inventory
  readonly gateways: ReadonlyMap<string, GatewaySight>
  readonly forwards: ReadonlyMap<string, ForwardOnBoard>
  standing(name: string): Standing | undefined
}

export interface HostChange extends StandingChange {
  readonly host: Gateway | Device
}

export interface ForwardOnBoard {
  readonly status: ForwardStatus
  /** When it was proved. Milliseconds. */
  readonly at: number
  readonly begin: Moment | undefined
}

export const forwardKey = ({ gateway, bindAddress, port }: Pick<ForwardStatus, 'gateway' | 'bindAddress' | 'port'>) =>
  `${gateway} ${bindAddress} ${port}`

/** Seconds. */
const defaultAfter = 120
/** What counts waits as long for what is about to: a site that goes away is one message. */
const togetherMs = 5_000

/** `before`: what people were told of a host before this process began. */
export function board(first: Inventory, before: (name: string) => Told): WatchBoard {
  let inventory = first
  const rules = (): Rules => ({ afterMs: (inventory.watch?.after ?? defaultAfter) * 1000 })
  const standings = new Map<string, Standing>()
  const gateways = new Map<string, GatewaySight>()
  const forwards = new Map<string, ForwardOnBoard>()
  let devices = new Map<string, Device>()
  /** Since when something counts that is not told yet. */
  let ready: number | undefined

  function use(next: Inventory): void {
    inventory = next
    devices = new Map(next.devices.map((device) => [device.name, device]))
    const names = new Set(hosts(next).map(({ name }) => name))
    for (const name of standings.keys()) if (!names.has(name)) standings.delete(name)
    for (const name of names) if (!standings.has(name)) standings.set(name, standingAs(before(name)))
    for (const name of gateways.keys()) if (!names.has(name)) gateways.delete(name)
    const keys = new Set(next.devices.flatMap((device) => device.forwards.map(forwardKey)))
    for (const key of forwards.keys()) if (!keys.has(key)) forwards.delete(key)
  }

  function saw(name: string, sighting: Sighting, at: number): void {
    const standing = standings.get(name)
    if (standing) standings.set(name, see(standing, sighting, at, rules()))
  }

  const dueAt = (time: number) =>
    hosts(inventory).flatMap((host) => {
      const standing = standings.get(host.name)
      const found = standing && due(standing, time, rules())
      return found ? [{ host, found }] : []
    })

  const sightOf = (device: Device): Sighting =>
    sightingOf(
      device.forwards.map((forward) => {
        const gateway = gateways.get(forward.gateway)
        return !gateway || gateway.error ? undefined : forwards.get(forwardKey(forward))
      }),
    )

  use(first)
  return {
    use,
    get inventory() {
      return inventory
    },
    gateways,
    forwards,
    standing: (name) => standings.get(name),
    gateway(sight) {
      const before = gateways.get(sight.name)
      gateways.set(sight.name, sight)
      const { error, at, name, begin: since } = sight
      const down = error && ({ condition: 'down', since, state: 'unreachable', says: error.message } as const)
      saw(name, down ?? { condition: 'up', since }, at)
      if (before && !before.error === !error) return
      for (const device of devices.values())
        if (device.forwards.some(({ gateway }) => gateway === name)) saw(device.name, sightOf(device), at)
    },
    forward(status, at, begin) {
      forwards.set(forwardKey(status), { status, at, begin })
      const device = devices.get(status.device)
      if (device) saw(device.name, sightOf(device), at)
    },
    changes(at) {
      const now = dueAt(at)
      ready = now.length > 0 ? (ready ?? at) : undefined
      if (ready === undefined) return []
      if (at - ready < togetherMs && dueAt(at + togetherMs).length > now.length) return []
      ready = undefined
      for (const { host, found } of now) standings.set(host.name, found.standing)
      return now.map(({ host, found }) => ({ host, ...found.change }))
    },
  }
}

/**
 * A device by its forwards: `undefined` for one whose gateway cannot be asked. One that could not be checked says
 * nothing either.
 */
function sightingOf(forwards: readonly (ForwardOnBoard | undefined)[]): Sighting {
  const known = forwards.flatMap((one) => (one && one.status.state !== 'unverified' ? [one] : []))
  const broken = known.filter(({ status }) => status.state !== 'ok')
  if (known.length === 0) return { condition: 'unseen' }
  if (broken.length === 0) return { condition: 'up', since: beginsOf(known)?.at(-1) }
  const [worst] = broken.map(({ status }) => status).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const condition = broken.length < known.length ? 'partly' : 'down'
  // It is down since the last of them went, and partly down since the first did.
  const since = beginsOf(broken)?.at(condition === 'down' ? -1 : 0)
  return { condition, since, state: worst?.state, says: worst?.error?.message }
}

/** The first first. Undefined where one of them is not known. */
function beginsOf(forwards: readonly ForwardOnBoard[]): Moment[] | undefined {
  const begins = forwards.flatMap(({ begin }) => begin ?? [])
  return begins.length === forwards.length ? begins.sort((a, b) => middle(a) - middle(b)) : undefined
}
