import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { hosts, type Inventory } from '../../src/inventory/model.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import type { ForwardReport, HostReport, Report } from '../../src/report/report.ts'
import { inShard, partialRunOf } from '../../src/run/partial-run.ts'

let folder: string
let inventory: Inventory
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'part-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const device = (gateway: string, port: number) => ({
    forwards: [{ gateway, port, host: 'localhost', hostPort: 22 }],
  })
  const file = join(folder, 'fleet.json')
  await writeFile(
    file,
    JSON.stringify({
      login: { user: 'user001' },
      gateways: { north: {}, south: {} },
      devices: {
        a: device('north', 9001),
        b: device('north', 9002),
        c: device('south', 9003),
        d: device('south', 9004),
      },
    }),
  )
  inventory = await readInventory(file)
})

const names = (limit: (name: string) => boolean) => hosts(inventory).flatMap(({ name }) => (limit(name) ? [name] : []))
const part = (words: { shard?: string; resume?: string }) =>
  partialRunOf(inventory, { command: 'apply', limit: [], ...words })
const everybody = () => true

describe('--shard', () => {
  test('every host is in exactly one, and none has two more than another', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.subarray(['north', 'south', 'a', 'b', 'c', 'd']),
        (count, some) => {
          const limit = (name: string) => some.includes(name)
          const shards = Array.from({ length: count }, (_, at) =>
            names(inShard(inventory, { index: at + 1, count }, limit)),
          )
          expect(shards.flat().sort()).toEqual([...some].sort())
          const sizes = shards.map(({ length }) => length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2)
        },
      ),
    )
  })

  test('its report says whose it is', async () => {
    const { within, whole } = await part({ shard: '2/3' })
    expect(names(within(everybody))).toEqual(['south', 'c'])
    expect(whole(reportOf([])).shard).toEqual({ index: 2, count: 3, limit: [] })
  })

  test.each(['0/2', '3/2', '1', '1/0', 'a/b', '-1/2', '1/2/3', ''])('%j is no part of a whole', async (shard) => {
    await expect(part({ shard })).rejects.toThrow('is no part of a whole')
  })
})

const reportOf = (ends: readonly (readonly [string, HostReport['outcome']])[], more: Partial<Report> = {}): Report => ({
  ...{ version: 1, command: 'apply', inventory: inventory.file, seconds: 1, exitCode: 130, recoveries: [] },
  hosts: ends.map(([name, outcome]) => ({ name, role: 'device', outcome, seconds: 1, resources: [], changes: [] })),
  forwards: [],
  wire: { connections: 0, execs: 0 },
  ...more,
})
const stale = (device: string): ForwardReport => ({
  ...{ device, gateway: 'north', bindAddress: '127.0.0.1', port: 9001, state: 'stale' },
})

describe('--resume', () => {
  const left = async (report: unknown) => {
    const file = join(folder, 'report.json')
    await writeFile(file, typeof report === 'string' ? report : JSON.stringify(report))
    return names((await part({ resume: file })).within(everybody))
  }
  const allBut = (...some: string[]) =>
    ['north', 'south', 'a', 'b', 'c', 'd'].map((name) => [name, some.includes(name) ? 'differs' : 'ok'] as const)

  test('leaves out what was done', async () => {
    expect(await left(reportOf(allBut()))).toEqual([])
    expect(await left(reportOf(allBut('south')))).toEqual(['south'])
  })

  test('looks at the gateways of what was not: they may need its key', async () => {
    expect(await left(reportOf(allBut('c')))).toEqual(['south', 'c'])
  })

  test('a device that did not answer was not done, and neither was a host that it does not speak of', async () => {
    expect(await left(reportOf(allBut(), { forwards: [stale('a')] }))).toEqual(['north', 'a'])
    expect(await left(reportOf(allBut().slice(0, 5)))).toEqual(['south', 'd'])
  })

  test('of another command, another inventory, or no report at all is refused', async () => {
    await expect(left(reportOf([], { command: 'verify' }))).rejects.toThrow('is of another command: verify')
    await expect(left(reportOf([], { inventory: 'other.json' }))).rejects.toThrow('is of another inventory: other.json')
    for (const none of ['', '{}', '[]', 'null', '{"version":1}'])
      await expect(left(none)).rejects.toThrow('is not a report of a run')
    await expect(part({ resume: join(folder, 'nowhere') })).rejects.toThrow('cannot be read (ENOENT)')
  })
})
