import { join } from 'node:path'
import { readIfThere } from '../../../src/files/atomic.ts'
import type { Lab, Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import type { AlertEvent, Message } from '../../../src/watch/alerts/message.ts'
import { outcomes, type Rehearsal, rehearse } from '../kit.ts'

/**
 * All devices but one dial the first gateway; that one, the roamer, dials the two others. One of the
 * others flaps.
 */
export const gateway = 'ssh-gw.guest.internal'
export const others = ['gw2.guest.internal', 'gw3.guest.internal'] as const
export const roamer = 'roamer.lan.internal'
export const flapper = 'flapper.lan.internal'
export const unit = `reverse-tunnel-${gateway}.service`
const firstPort = 9022

/** A host that something happens to, and what is around it. */
export interface Place {
  readonly lab: Lab
  readonly host: Machine
  readonly gateway: Machine
  readonly roamer: Machine
  /** The device's on the gateway. */
  readonly port: number
}

export interface Site {
  readonly it: Rehearsal
  /** Without the flapper and the roamer. */
  readonly devices: readonly string[]
  /** `d1`, or a gateway. */
  place(name: string): Place
  /** The inventory, where something has to hold for so many seconds. */
  inventory(after: number): unknown
  /** What people were told, so far: the program of the inventory notes it. */
  messages(): Promise<Message[]>
  events(): Promise<AlertEvent[]>
  /** The events after the first `before`, once there are so many of them; of the flapper, or of all others. */
  heard(before: number, count: number, of?: 'flapper'): Promise<AlertEvent[]>
}

/** Provisioned, and nobody watches yet. */
export async function site(count: number, after: number): Promise<Site> {
  const devices = Array.from({ length: count }, (_, n) => `d${n + 1}.lan.internal`)
  const forward = (to: string, port: number) => ({ gateway: to, port, host: 'localhost', hostPort: 22 })
  let told = ''
  const inventory = (seconds: number) => ({
    login: { user: 'user001' },
    gateways: Object.fromEntries([gateway, ...others].map((name) => [name, {}])),
    devices: {
      ...Object.fromEntries(devices.map((name, n) => [name, { forwards: [forward(gateway, firstPort + n)] }])),
      [flapper]: { forwards: [forward(gateway, firstPort + count)] },
      [roamer]: { forwards: others.map((name) => forward(name, firstPort)) },
    },
    watch: { after: seconds },
    alerts: [{ exec: ['sh', '-c', 'cat >>"$1"', 'sh', told] }],
  })
  const it = await rehearse(inventory(after))
  told = join(it.folder, 'told')
  await it.rewrite(inventory(after))
  const { code, stderr, report } = await it.report([it.file], { timeoutMs: 200_000 })
  if (code !== 0) throw new Error(`${outcomes(report).join(', ')}: ${stderr}`)

  /** Each once: what was sent when its watcher was killed is sent again, and has the same id. */
  const messages = async () => {
    const lines = (await readIfThere(told)).split('\n').filter(Boolean)
    const all = lines.map((line) => JSON.parse(line) as Message)
    return [...new Map(all.map((message) => [message.id, message])).values()]
  }
  const events = async () => (await messages()).flatMap((message) => message.events)
  return {
    it,
    devices,
    inventory,
    messages,
    place(name) {
      const host = it.lab.machine(name)
      const port = firstPort + Math.max(0, devices.indexOf(host.name))
      return { lab: it.lab, host, gateway: it.lab.machine(gateway), roamer: it.lab.machine(roamer), port }
    },
    events,
    async heard(before, count, of) {
      const now = async () =>
        (await events()).slice(before).filter(({ name }) => (name === flapper) === (of === 'flapper'))
      const enough = async () => ((await now()).length >= count ? now() : undefined)
      const all = await until(enough, { timeoutMs: 90_000, everyMs: 200 })
      if (!all) throw new Error(`${count} events were to come: ${JSON.stringify(await now())}`)
      return all
    },
  }
}
