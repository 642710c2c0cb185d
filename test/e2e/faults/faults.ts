import pLimit from 'p-limit'
import type { Machine } from '../../../src/lab/index.ts'
import { endSessions, forgetFlows, rememberFlows, signalClient, signalHolder } from './acts.ts'
import { inside, type Listener, type Pair } from './pair.ts'

/** What the plan promises of every forward, as `--json` tells it. */
export type Promised = Readonly<Record<'powerCut' | 'silentLink' | 'frozenClient', number>>

/** It has happened. */
export interface Struck {
  /** The moment (as Date.now() counts) from which a recovery is possible at all, and counts. */
  readonly at: number
  /** What goes on meanwhile: a machine that boots. */
  readonly besides?: Promise<unknown>
}

/** Something that happens to a tunnel. */
export interface Fault {
  readonly name: string
  /** Seconds within which it has to be back: what was promised, or less. */
  readonly limit: keyof Promised | number
  /** With these listeners it is what the promise is made of: to be back much sooner would mean that the promise is wrong. */
  readonly worst?: readonly Listener[]
  readonly strike: (pair: Pair) => Promise<Struck>
  /** The tunnel lives through it, and is not to become another one. */
  readonly harmless?: true
  /** A dead session may hold the port: nobody is to knock there before the next session listens. */
  readonly quiet?: true
  /** Puts back what the fault left behind. */
  readonly mend?: (pair: Pair) => Promise<unknown>
}

export const seconds = (count: number) => new Promise<void>((resolve) => setTimeout(resolve, count * 1000))

/** Counted from its beginning: how long the act itself took is part of it. */
export async function from(act: Promise<unknown>): Promise<Struck> {
  const at = Date.now()
  await act
  return { at }
}

// Only a few machines boot at a time: ten at once on two cores would measure the cores.
const booting = pLimit(2)

/** Power is back in the moment in which the switch is pressed; the boot goes on while it is measured. */
function powerBack(machine: Machine, before: () => Promise<unknown> = async () => undefined): Promise<Struck> {
  return new Promise((resolve, reject) => {
    const turn = booting(async () => {
      await before()
      const besides = machine.boot()
      resolve({ at: Date.now(), besides })
      await besides
    })
    turn.catch(reject)
  })
}

/** Nothing has to be noticed first: one restart and one dial, on two cores that all machines share. */
export const atOnce = 5

export const clientKilled: Fault = {
  name: 'ssh client killed',
  limit: atOnce,
  strike: (pair) => from(signalClient(pair, 'KILL')),
}

export const clientFrozen: Fault = {
  name: 'ssh client frozen',
  limit: 'frozenClient',
  strike: (pair) => from(signalClient(pair, 'STOP')),
}

export const sessionKilled: Fault = {
  name: `gateway's session killed`,
  limit: atOnce,
  strike: (pair) => from(signalHolder(pair, 'KILL')),
}

export const sessionFrozen: Fault = {
  name: `gateway's session frozen`,
  limit: 'silentLink',
  worst: ['socket'],
  strike: (pair) => from(signalHolder(pair, 'STOP')),
  mend: ({ gateway }) => inside(gateway, `pids=$(pgrep -r T -f '^sshd') && kill -KILL $pids || :`),
}

export const sshdRestarted: Fault = {
  name: `gateway's sshd restarted`,
  limit: atOnce,
  strike: ({ gateway }) => from(inside(gateway, 'systemctl restart ssh')),
  harmless: true,
}

export const sshdAndSessionsRestarted: Fault = {
  name: `gateway's sshd and its sessions restarted`,
  limit: atOnce,
  async strike(pair) {
    await inside(pair.gateway, 'systemctl stop ssh')
    await endSessions(pair)
    return from(inside(pair.gateway, 'systemctl start ssh'))
  },
}

export const gatewayPowerCut: Fault = {
  name: 'gateway power cut, 10 s off',
  limit: 'silentLink',
  async strike({ gateway }) {
    await gateway.kill()
    await seconds(10)
    return powerBack(gateway)
  },
}

export const devicePowerCut: Fault = {
  name: 'device power cut',
  limit: 'powerCut',
  strike: ({ device }) => powerBack(device, () => device.kill()),
  quiet: true,
}

export const devicePowerCutBehindNat: Fault = {
  name: 'device power cut behind a NAT that forgets it',
  limit: 'powerCut',
  worst: ['sshd'],
  strike: (pair) => powerBack(pair.device, () => forgetFlows(pair).then(() => pair.device.kill())),
  quiet: true,
  mend: rememberFlows,
}

export const flowForgotten: Fault = {
  name: 'NAT forgets the connection',
  limit: 'silentLink',
  strike: (pair) => from(forgetFlows(pair)),
  quiet: true,
  mend: rememberFlows,
}

// A new address is told to all machines of the lab: one after the other.
const telling = pLimit(1)

export const newAddress: Fault = {
  name: 'device gets a new address',
  limit: 'silentLink',
  strike: ({ device }) => telling(() => from(device.renumber())),
  quiet: true,
}

export const silence: Fault = {
  name: '90 s of silence on the link',
  limit: 'silentLink',
  async strike({ device }) {
    await device.cut()
    await seconds(90)
    return from(device.mend())
  },
}

export const gatewayAwayAtBoot: Fault = {
  name: `gateway away at the device's boot and for 2 minutes`,
  limit: 'powerCut',
  async strike(pair) {
    await pair.gateway.cut()
    await (await devicePowerCut.strike(pair)).besides
    await seconds(120)
    return from(pair.gateway.mend())
  },
}

export const namesAwayAtBoot: Fault = {
  name: `DNS failing at the device's boot and for 2 minutes`,
  limit: 'powerCut',
  async strike(pair) {
    await pair.device.forgetNames()
    await (await devicePowerCut.strike(pair)).besides
    await seconds(120)
    return from(pair.device.learnNames())
  },
}
