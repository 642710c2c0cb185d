import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

// One run in parts: shared by several machines, or gone on with after somebody stopped it.

const [north, south] = ['north.guest.internal', 'south.guest.internal']
const [a, b, c] = ['host-a.lan.internal', 'host-b.lan.internal', 'host-c.lan.internal']
const device = (gateway: string, port: number) => ({ forwards: [{ gateway, port, host: 'localhost', hostPort: 22 }] })

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse({
    login: { user: 'user001' },
    gateways: { [north]: {}, [south]: {} },
    devices: { [a]: device(north, 9001), [b]: device(north, 9002), [c]: device(south, 9003) },
  })
})
afterAll(() => it?.down())

const save = async (name: string, report: unknown) => {
  const file = join(it.folder, `${name}.json`)
  await writeFile(file, JSON.stringify(report))
  return file
}

test('a run that was interrupted is gone on with: what was done is not looked at again', async () => {
  await it.lab.machine(c).kill()
  const first = await it.report([it.file, '--timeout', '3'])
  expect(outcomes(first.report)).toEqual([
    `${north} changed`,
    `${south} changed`,
    `${a} changed`,
    `${b} changed`,
    `${c} unreachable`,
  ])
  const file = await save('first', first.report)

  await it.lab.machine(c).boot()
  const run = it.spawn([it.file, '--resume', file, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  run.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(run, 'close')
  const whole = JSON.parse(said) as Report
  expect({ code, states: states(whole) }).toEqual({ code: 0, states: ['ok', 'ok', 'ok'] })
  expect(outcomes(whole)).toEqual([
    `${north} changed`,
    `${south} changed`,
    `${a} changed`,
    `${b} changed`,
    `${c} changed`,
  ])
  // Two hosts and one forward; with all of them it would be eight logins before anything is changed.
  expect(whole.wire.connections).toBeLessThan(first.report.wire.connections)
  expect((await it.report(['verify', it.file])).code).toBe(0)
})

describe('verified by three machines', () => {
  const reports: string[] = []

  test('every host and every forward is looked at once, and none is called different for want of the others', async () => {
    const runs = await Promise.all([1, 2, 3].map((index) => it.report(['verify', it.file, '--shard', `${index}/3`])))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(runs.map(({ report }) => outcomes(report))).toEqual([
      [`${north} ok`, `${b} ok`],
      [`${south} ok`, `${c} ok`],
      [`${a} ok`],
    ])
    for (const [at, { report }] of runs.entries()) reports.push(await save(`part-${at}`, report))
    const { code, report } = await it.report(['report', 'merge', ...reports])
    expect({ code, hosts: report.hosts.length, states: states(report) }).toEqual({
      code: 0,
      hosts: 5,
      states: ['ok', 'ok', 'ok'],
    })
  })

  test('one that left no report is no success', async () => {
    const { code, stdout } = await it.provision(['report', 'merge', ...reports.slice(1)])
    expect(code).toBe(3)
    expect(stdout).toContain('shard 1/3 has left no report')
    expect(stdout).toMatch(new RegExp(`^${north} +unknown`, 'm'))
  })

  test('all that one of them finds ends the whole', async () => {
    await it.lab.machine(b).kill()
    const { report } = await it.report(['verify', it.file, '--shard', '1/3', '--timeout', '3'])
    const file = await save('part-0', report)
    const { code, stdout } = await it.provision(['report', 'merge', file, ...reports.slice(1)])
    expect(code).toBe(3)
    expect(stdout).toContain('2 of 3 forwards reach their device')
  })
})
