import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devicesCalled, held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

const apply = ['--playbook', holdingPlaybook, '--confirm-within', '5']

describe('the admin machine dies while a host', () => {
  const phases = ['stage', 'validate', 'commit', 'activate', 'inspect', 'waiting', 'undo'] as const
  let it: Rehearsal
  let old: Map<string, string[]>
  beforeAll(async () => {
    it = await rehearse(devicesCalled(phases))
    const machines = phases.map((phase) => it.lab.machine(phase))
    await Promise.all(machines.map(prepare))
    old = new Map(await Promise.all(machines.map(async (machine) => [machine.name, await stateOf(machine)] as const)))
    await Promise.all(phases.map((phase) => hold(it.lab.machine(phase), phase)))
    const run = it.spawn([it.file, ...apply])
    await Promise.all(phases.map((phase) => held(it.lab.machine(phase), phase)))
    run.kill('SIGKILL')
    await once(run, 'exit')
    await Promise.all(machines.map(release))
  })
  afterAll(() => it?.down())

  test.each(phases)('%s: the host undoes everything by itself', async (phase) => {
    const machine = it.lab.machine(phase)
    await settled(machine)
    expect(await stateOf(machine)).toEqual(old.get(phase))
    const why = phase === 'undo' ? 'undone: it does not start' : 'undone: nobody confirmed within 5 s'
    expect(await history(machine)).toEqual([why])
  })

  test('the next run changes all of them, and the one after that finds nothing to do', async () => {
    const { code, report, stderr } = await it.report([it.file, ...apply])
    expect({ code, stderr, outcomes: new Set(report.hosts.map(({ outcome }) => outcome)) }).toMatchObject({
      code: 0,
      outcomes: new Set(['changed']),
    })
    const again = await it.report([it.file, ...apply])
    expect(outcomes(again.report)).toEqual(phases.map((phase) => `${phase} ok`))
  })
})

describe('the admin machine dies at any moment', () => {
  const pairs = [1, 2, 3, 4]
  const gateway = (pair: number) => `gw${pair}.guest.internal`
  const device = (pair: number) => `host${pair}.lan.internal`
  const names = pairs.flatMap((pair) => [gateway(pair), device(pair)])
  const inventory = {
    login: { user: 'user001' },
    gateways: Object.fromEntries(pairs.map((pair) => [gateway(pair), {}])),
    devices: Object.fromEntries(
      pairs.map((pair) => [
        device(pair),
        { forwards: [{ gateway: gateway(pair), port: 9022, host: 'localhost', hostPort: 22 }] },
      ]),
    ),
  }
  const options = ['--confirm-within', '5']
  let it: Rehearsal
  const states = async (): Promise<Map<string, string[]>> =>
    new Map(await Promise.all(names.map(async (name) => [name, await stateOf(it.lab.machine(name))] as const)))
  beforeAll(async () => {
    it = await rehearse(inventory)
  })
  afterAll(() => it?.down())

  test('of a first run: every host is as before, or as after one of the steps', async () => {
    const old = await states()
    const moments = pairs.map(() => 400 + Math.random() * 6000)
    await Promise.all(
      pairs.map(async (pair, at) => {
        const run = it.spawn([it.file, '--limit', gateway(pair), '--limit', device(pair), ...options])
        const ended = once(run, 'exit')
        await Promise.race([wait(moments[at]), ended])
        run.kill('SIGKILL')
        await ended
      }),
    )
    await Promise.all(names.map((name) => settled(it.lab.machine(name))))
    const found = await states()
    const { code, report, stderr } = await it.report([it.file, ...options])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(report.forwards.map(({ state }) => state)).toEqual(pairs.map(() => 'ok'))
    const done = await states()
    for (const [name, state] of found) {
      const before = old.get(name) ?? []
      const all = done.get(name) ?? []
      const about = `${name}, killed after ${moments} ms`
      const begun = state.some(
        (line) => line.startsWith('/etc/systemd/system/reverse-tunnel-') || /^tunnel-/.test(line),
      )
      if (begun) expect(state, about).toEqual(all)
      // Before its last step a host is as after one of the earlier ones: nothing in it is half done.
      const known = new Set([...before, ...all])
      expect(
        state.filter((line) => !known.has(line)),
        about,
      ).toEqual([])
    }
  })
})
