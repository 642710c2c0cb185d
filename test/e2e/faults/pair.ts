import { readFile } from 'node:fs/promises'
import type { Lab, Machine, Suite } from '../../../src/lab/index.ts'
import { place } from '../kit.ts'

export type Listener = 'socket' | 'sshd'

/** A device and a gateway of its own, so that what happens to the one tunnel happens to no other. */
export interface Pair {
  readonly name: string
  readonly suite: Suite
  readonly listener: Listener
  readonly lab: Lab
  readonly gateway: Machine
  readonly device: Machine
  readonly port: number
  /** What keeps the tunnel, on the device. */
  readonly unit: string
}

export const port = 9022

export interface Wanted {
  readonly name: string
  readonly suite: Suite
  readonly listener: Listener
  /** A wish of its own, in seconds. */
  readonly recoverWithin?: number
}

const gatewayOf = ({ name, suite, listener }: Wanted) => `gw-${name}-${listener}-${suite}.guest.internal`
export const deviceOf = ({ name, suite, listener }: Wanted) => `${name}-${listener}-${suite}.lan.internal`

/** The inventory of these pairs, and what each machine of it is made of. */
export function inventoryOf(wanted: readonly Wanted[]) {
  const forward = (pair: Wanted) => ({
    gateway: gatewayOf(pair),
    port,
    host: 'localhost',
    hostPort: 22,
    listener: pair.listener,
  })
  return {
    inventory: {
      login: { user: 'user001' },
      gateways: Object.fromEntries(wanted.map((pair) => [gatewayOf(pair), {}])),
      devices: Object.fromEntries(
        wanted.map((pair) => [deviceOf(pair), { forwards: [forward(pair)], recoverWithin: pair.recoverWithin }]),
      ),
    },
    suite: Object.fromEntries(wanted.flatMap((pair) => [gatewayOf(pair), deviceOf(pair)].map((n) => [n, pair.suite]))),
  }
}

/** The machines of a pair in a lab that is up, the gateway ready to log in to the device through the forward. */
export async function pairOf(wanted: Wanted, lab: Lab): Promise<Pair> {
  const [gateway, device] = [lab.machine(gatewayOf(wanted)), lab.machine(deviceOf(wanted))]
  const [key, hosts] = await Promise.all([lab.identityFile, lab.knownHosts].map((file) => readFile(file, 'utf8')))
  await place(gateway, { path: '/root/key', text: key ?? '' })
  await place(gateway, { path: '/root/known_hosts', text: hosts ?? '' })
  return { ...wanted, lab, gateway, device, port, unit: `reverse-tunnel-${gateway.name}.service` }
}

/** Runs it as root inside. @throws when it fails */
export async function inside(machine: Machine, script: string, timeoutMs = 30_000): Promise<string> {
  const { code, stdout, stderr } = await machine.sh(script, { timeoutMs })
  if (code !== 0) throw new Error(`${machine.name}: ${script}: exit code ${code}: ${stderr}`)
  return stdout
}

/**
 * Is it the right device that answers behind the port? A login on the gateway through 127.0.0.1, with the device's host
 * key pinned. The sentence says why not.
 */
export async function login({ gateway, device, port }: Pair): Promise<'ok' | string> {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UserKnownHostsFile=/root/known_hosts',
    `HostKeyAlias=${device.name}`,
    'ConnectTimeout=5',
  ].flatMap((option) => ['-o', option])
  const words = ['ssh', '-F', 'none', '-i', '/root/key', ...options, '-p', String(port), `${device.user}@127.0.0.1`]
  const { code, stdout, stderr } = await gateway.exec([...words, 'cat /etc/machine-id'], { timeoutMs: 10_000 })
  const id = await readFile(`${device.root}/etc/machine-id`, 'utf8')
  if (code === 0 && stdout === id) return 'ok'
  return code === 0 ? 'another machine answered' : `exit code ${code}: ${stderr.trim()}`
}

/** The device's own ends (`10.78.1.1:40000`) of its connections to the gateway's sshd: the identity of a tunnel. */
export async function connections({ device, gateway }: Pair): Promise<readonly string[]> {
  const rows = await inside(device, `ss -Htn state established dst ${gateway.address}`)
  return [...rows.matchAll(/(\S+:\d+)\s+\S+:22\s/g)].map(([, local]) => local ?? '')
}
