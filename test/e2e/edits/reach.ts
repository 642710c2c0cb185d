import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readInventory } from '../../../src/inventory/read/inventory.ts'
import type { Lab, Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import { place } from '../kit.ts'
import type { Bench } from './bench.ts'

/** Where one comes to a device's own sshd, as an inventory says. */
export interface Door {
  readonly gateway: string
  readonly device: string
  readonly address: string
  readonly port: number
}

export async function doorsOf(file: string): Promise<Door[]> {
  const { devices } = await readInventory(file)
  const forwards = devices.flatMap((device) => device.forwards)
  return forwards
    .filter(({ host, hostPort }) => host === 'localhost' && hostPort === 22)
    .map(({ gateway, device, bindAddress, port }) => ({ gateway, device, address: bindAddress, port }))
}

/** A key that every machine lets in, and everybody's host keys: not a thing of any inventory. */
export async function giveProbe(lab: Lab, gateway: Machine): Promise<void> {
  await place(gateway, { path: '/root/probe-key', text: await readFile(lab.identityFile, 'utf8') })
  await place(gateway, { path: '/root/probe-hosts', text: await readFile(lab.knownHosts, 'utf8') })
}

const options = (alias: string, hosts: string) =>
  ['BatchMode=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${hosts}`, `HostKeyAlias=${alias}`]
    .concat('ConnectTimeout=5')
    .flatMap((option) => ['-o', option])

/** Is it this device, by its host key and by what it says itself; the sentence says why not. */
async function answers(bench: Bench, { gateway, device, address, port }: Door): Promise<string | undefined> {
  const { name, root } = bench.machine(device)
  const words = [
    'ssh',
    '-F',
    'none',
    '-i',
    '/root/probe-key',
    ...options(name, '/root/probe-hosts'),
    '-p',
    String(port),
  ]
  const ran = await bench
    .machine(gateway)
    .exec([...words, `user001@${address}`, 'cat /etc/machine-id'], { timeoutMs: 10_000 })
  return judged(`${device} through ${address}:${port} on ${gateway}`, ran, root)
}

/** By the host key that is pinned beside the inventory. */
async function gatewayAnswers({ it, machine, files }: Bench, name: string): Promise<string | undefined> {
  const { address, root } = machine(name)
  const words = [
    'ssh',
    '-F',
    'none',
    '-i',
    it.lab.identityFile,
    ...options(machine(name).name, join(dirname(files.ours), 'known_hosts')),
  ]
  const ran = await it.lab.run([...words, `user001@${address}`, 'cat /etc/machine-id'], {
    from: 'guest',
    timeoutMs: 10_000,
  })
  return judged(name, ran, root)
}

async function judged(what: string, { code, stdout, stderr }: Ran, root: string): Promise<string | undefined> {
  if (code !== 0) return `${what} does not answer: ${stderr.trim().split('\n').at(-1)}`
  return stdout === (await readFile(`${root}/etc/machine-id`, 'utf8')) ? undefined : `${what} is another machine`
}

type Ran = Awaited<ReturnType<Machine['exec']>>

/** Why who does not answer as himself, after as long as was to be waited for; none: all are there. */
export async function whoIsMissing(bench: Bench, doors: readonly Door[], timeoutMs: number): Promise<string[]> {
  let missing: string[] = []
  await until(
    async () => {
      const gateways = [...new Set(doors.map(({ gateway }) => gateway))]
      const asked = [
        ...doors.map((door) => answers(bench, door)),
        ...gateways.map((name) => gatewayAnswers(bench, name)),
      ]
      missing = (await Promise.all(asked)).filter((why) => why !== undefined)
      return missing.length === 0 || undefined
    },
    { timeoutMs, everyMs: 300 },
  )
  return missing
}
