import type { Device, Forward, Gateway } from '../inventory/model.ts'

/** A device's tunnel that is drilled: everything that the faults are about. */
export interface Drilled {
  readonly device: Device
  readonly gateway: Gateway
  /** The one to the device's own sshd, through which it has to answer. */
  readonly forward: Forward
  /** The unit on the device whose ssh dials. */
  readonly unit: string
  /** On the gateway, where systemd owns the port: the socket unit, and what it starts. */
  readonly listenerUnits: readonly string[]
  /** Other devices that dial this gateway. */
  readonly others: readonly string[]
  readonly networkSeconds: number
  readonly portSeconds: number
}

export const faultNames = ['kill', 'freeze', 'network', 'sshd', 'port'] as const
export type FaultName = (typeof faultNames)[number]

export interface Fault {
  readonly name: FaultName
  readonly on: Device | Gateway
  /** The figure of the plan that it is held against. */
  readonly promise: 'powerCut' | 'silentLink' | 'frozenClient'
  /** How long it lasts: the recovery counts from its end. */
  readonly seconds: number
  /** How long after it was begun it strikes, so that the answer to that still arrives. */
  readonly delay: number
  /** What is going to happen, before it does. */
  readonly announced: string
  /** What it was, in the table. */
  readonly title: string
}

export function faultsOf(drilled: Drilled, names: readonly FaultName[]): readonly Fault[] {
  const { device, gateway, forward, unit, others, networkSeconds, portSeconds } = drilled
  const soon = { on: device, delay: 1 }
  const there = { on: gateway, delay: 0 }
  const port = `port ${forward.port}`
  const all: Readonly<Record<FaultName, Omit<Fault, 'name'>>> = {
    kill: {
      ...{ ...soon, promise: 'powerCut', seconds: 0, title: 'ssh client killed' },
      announced: `killing the ssh client of ${unit} on ${device.name}`,
    },
    freeze: {
      ...{ ...soon, promise: 'frozenClient', seconds: 0, title: 'ssh client frozen' },
      announced: `freezing the ssh client of ${unit} on ${device.name} with SIGSTOP`,
    },
    network: {
      ...{ ...soon, promise: 'silentLink', seconds: networkSeconds, title: `no network for ${networkSeconds} s` },
      announced: `cutting ${device.name} off from every network for ${networkSeconds} s`,
    },
    sshd: {
      ...{ ...there, promise: 'powerCut', seconds: 0, title: `gateway's sshd restarted` },
      announced: `restarting sshd on ${gateway.name}${others.length > 0 ? `, which ${others.join(', ')} also dial${others.length === 1 ? 's' : ''}` : ''}`,
    },
    port: {
      ...{ ...there, promise: 'powerCut', seconds: portSeconds, title: `${port} taken for ${portSeconds} s` },
      announced: `ending the tunnel, and another program takes ${port} on ${gateway.name} for ${portSeconds} s`,
    },
  }
  return names.map((name) => ({ name, ...all[name] }))
}
