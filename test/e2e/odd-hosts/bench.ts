import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../../src/lab/index.ts'
import type { Report } from '../../../src/report/report.ts'
import type { Ran, Rehearsal } from '../kit.ts'
import { mustRun } from '../must-run.ts'
import { settled, stateOf } from '../state-of.ts'
import type { OddHost, OddSuite } from './odd-host.ts'

/** What came of a run on an odd host. */
export interface Played {
  readonly code: number
  readonly outcomes: readonly string[]
  readonly forwards: readonly string[]
  /** Error and hint of the odd one. */
  readonly said: string
}

export const gatewayOf = (suite: OddSuite) => `gw-${suite}.guest.internal`
export const deviceOf = (suite: OddSuite) => `${suite}.lan.internal`

const keys = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILXL0Ce7xIr3LAV5TrnjwMR/hX/8VG4ZTab0DkX+8BQO',
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJpIXv97I+qN6dFhuGaw5o6w9evbNyWeEGv0AiDDtZM',
]

interface Wish {
  readonly id?: string
  /** Which of two keys the visitor of each host has. */
  readonly keys?: Readonly<Record<string, number>>
  readonly forwards?: readonly number[]
}

/** A gateway and a device of each suite. */
export function inventory(suites: readonly OddSuite[], { id, keys: at = {}, forwards: ports = [9022] }: Wish = {}) {
  const host = (name: string) => ({ accounts: { visitor: { authorizedKeys: [keys[at[name] ?? 0]], exclusive: true } } })
  const forwards = (gateway: string) => ports.map((port) => ({ gateway, port, host: 'localhost', hostPort: 22 }))
  return {
    ...(id && { id }),
    login: { user: 'user001' },
    gateways: Object.fromEntries(suites.map(gatewayOf).map((name) => [name, host(name)])),
    devices: Object.fromEntries(
      suites.map((suite) => [deviceOf(suite), { ...host(deviceOf(suite)), forwards: forwards(gatewayOf(suite)) }]),
    ),
  }
}

/** One case after the other on a gateway and a device of this suite. */
export async function laneOf(it: Rehearsal, suite: OddSuite) {
  const file = join(it.folder, `${suite}.json`)
  const has: Record<string, number> = {}
  const write = (wish: Wish = {}) =>
    writeFile(file, JSON.stringify(inventory([suite], { id: `odd${suite}`, keys: has, ...wish })))
  const run = (words: readonly string[], env: OddHost['env'] = {}) => it.report([...words, '--timeout', '5'], { env })
  const played = ({ code, report }: Ran & { report: Report }, name: string): Played => {
    const error = report.hosts.find((host) => host.name === name)?.error
    return {
      code,
      outcomes: report.hosts.map(({ outcome }) => outcome),
      forwards: report.forwards.map(({ state }) => state),
      said: error ? `${error.message}\n${error.hint}` : '',
    }
  }

  /** The visitor of this host gets the other key. */
  async function keyChanged(name: string, env: OddHost['env']): Promise<Played> {
    const before = has[name] ?? 0
    has[name] = 1 - before
    await write()
    const found = played(await run([file, '--limit', name], env), name)
    if (found.code !== 0) has[name] = before
    return found
  }

  /** The device gets one more forward, and then that is undone. */
  async function tunnelChanged(name: string): Promise<Played> {
    await write({ forwards: [9022, 9023] })
    const found = played(await run([file]), name)
    if (found.code !== 0) return found
    const undone = await run(['undo', file])
    await write()
    return undone.code === 0 ? found : played(undone, name)
  }

  /** All hosts as they were at first. */
  async function reset(): Promise<void> {
    for (const name of Object.keys(has)) delete has[name]
    await write()
    const { code, report } = await run([file])
    if (code !== 0) throw new Error(`${suite}: ${JSON.stringify(report)}`)
  }

  const machines = [gatewayOf(suite), deviceOf(suite)].map((name) => it.lab.machine(name))
  // That of the machine which runs the tests.
  for (const { root } of machines) await copyFile('/usr/bin/busybox', join(root, 'opt/busybox'))
  const install = (machine: Machine) =>
    mustRun(machine, 'apt-get -qq update && apt-get -qq install rust-coreutils sudo-rs >/dev/null')
  await Promise.all([reset(), ...(suite === 'trixie' ? machines.map(install) : [])])
  return {
    machines,
    reset,
    async play(odd: OddHost): Promise<Played> {
      const machine = it.lab.machine(odd.on === 'gateway' ? gatewayOf(suite) : deviceOf(suite))
      await mustRun(machine, `set -e\n${odd.odd}`)
      try {
        const change = odd.change === 'tunnel' ? tunnelChanged : keyChanged
        if (!odd.refused) return await change(machine.name, odd.env)
        await settled(machine)
        const before = await stateOf(machine)
        const found = await change(machine.name, odd.env)
        const touched = differences(before, await stateOf(machine))
        if (touched.length > 0) throw new Error(`it was touched: ${touched.join('\n')}`)
        return found
      } finally {
        await mustRun(machine, `set -e\n${odd.normal}`)
      }
    },
  }
}

/** The rows that one of them lacks. */
export const differences = (before: readonly string[], after: readonly string[]): string[] => [
  ...before.filter((row) => !after.includes(row)),
  ...after.filter((row) => !before.includes(row)),
]
