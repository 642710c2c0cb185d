import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { local } from '../../src/lab/local.ts'
import { adminOf } from '../../src/lab/network.ts'
import { type Rehearsal, rehearse } from './kit.ts'

// What a run costs: processes on its hosts, of which a small machine takes 30 ms for each, and logins and bytes on the wire.

const gateway = 'ssh-gw.guest.internal'
const device = 'host-a.lan.internal'
const program = join(import.meta.dirname, '../../bench/processes.pl')
/** How often these are started is a matter of how long something takes, and not of what is done. */
const waiting = /^(sleep|flock|timeout|head)$/
/** systemd's own, for each unit and each session that it begins. */
const systemdsOwn = /^(\(|systemd-(user|executor))/

let it: Rehearsal
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-processes-'))
  it = await rehearse({
    login: { user: 'user001' },
    gateways: { [gateway]: {} },
    devices: { [device]: { via: ['direct'], forwards: ['127.0.0.1:9022:localhost:22'] } },
  })
})
afterAll(async () => {
  await it?.down()
  await rm(folder, { recursive: true, force: true })
})

/** Processes of each host while the work lasts, by program. */
async function countedDuring(work: () => Promise<unknown>): Promise<Record<string, Map<string, number>>> {
  const hosts = await Promise.all(
    [gateway, device].map(async (name) => ({
      name,
      pid: String(await it.lab.machine(name).leader()),
      file: join(folder, name),
    })),
  )
  for (const { pid, file } of hosts) {
    await writeFile(file, '')
    await local(['perl', program, 'begin', pid, file])
  }
  try {
    await work()
  } finally {
    for (const { pid } of hosts) await local(['perl', program, 'end', pid])
  }
  const rows = hosts.map(async ({ name, file }) => {
    const text = await local(['perl', program, 'count', file])
    return [
      name,
      new Map([...text.matchAll(/^(\d+)\t(.*)$/gm)].map(([, count, what = '']) => [what, Number(count)])),
    ] as const
  })
  return Object.fromEntries(await Promise.all(rows))
}

const total = (counts: ReadonlyMap<string, number> = new Map()) =>
  [...counts].reduce((sum, [name, count]) => (waiting.test(name) || systemdsOwn.test(name) ? sum : sum + count), 0)

/** At least half of the most: a count that went far below is a new most, or counts nothing. */
function within(most: number, counts: ReadonlyMap<string, number> | undefined) {
  const listed = [...(counts ?? [])].map(([name, count]) => `${count} × ${name}`).join(', ')
  expect(total(counts), listed).toBeLessThanOrEqual(most)
  expect(total(counts), listed).toBeGreaterThan(most / 2)
}

/** One run: what it counts itself, and the bytes at the network card of the admin machine, both ways, in KiB. */
async function run(...words: string[]) {
  const before = await bytes()
  const { code, report } = await it.report([it.file, ...words])
  expect(code).toBe(0)
  return { ...report.wire, kib: Math.round(((await bytes()) - before) / 1024) }
}

async function bytes(): Promise<number> {
  const text = await local(['ip', '-n', adminOf(it.lab.id, 'lan'), '-s', '-j', 'link', 'show', 'eth0'])
  const [{ stats64 }] = JSON.parse(text) as [{ stats64: Record<'rx' | 'tx', { bytes: number }> }]
  return stats64.rx.bytes + stats64.tx.bytes
}

test('a first run', async () => {
  let wire: Awaited<ReturnType<typeof run>> | undefined
  const counts = await countedDuring(async () => {
    wire = await run()
  })
  // Two looks, three transactions with a login that confirms each, a trial and what it leaves, and a proof.
  expect(wire).toMatchObject({ connections: 6, execs: 11 })
  expect(wire?.kib).toBeLessThan(180)
  within(390, counts[gateway])
  within(390, counts[device])
  expect(counts[gateway]?.get('systemd-analyze')).toBe(1)
  expect(counts[device]?.get('systemd-analyze')).toBe(1)
})

test.each([
  [[], { connections: 3, execs: 3 }, 70],
  [['--check'], { connections: 2, execs: 2 }, 50],
])('a run that has nothing to do: %j', async (words, wanted, kib) => {
  let wire: Awaited<ReturnType<typeof run>> | undefined
  const counts = await countedDuring(async () => {
    wire = await run(...words)
  })
  expect(wire).toMatchObject(wanted)
  expect(wire?.kib).toBeLessThan(kib)
  within(110, counts[gateway])
  // The watchdog of the tunnel may look meanwhile.
  within(110, counts[device])
})
