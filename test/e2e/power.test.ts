import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import type { Report } from '../../src/report/report.ts'
import { devicesCalled, held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

const apply = ['--playbook', holdingPlaybook, '--confirm-within', '20']
const phases = ['stage', 'validate', 'commit', 'activate', 'inspect', 'waiting', 'undo'] as const
const names = [...phases, 'confirmed']

let it: Rehearsal
let old: Map<string, string[]>
let report: Report
const machine = (name: string) => it.lab.machine(name)
const guardOf = (name: string) => machine(name).sh("systemctl show --property=MainPID --value 'provision-guard-*'")

beforeAll(async () => {
  it = await rehearse(devicesCalled(names))
  await Promise.all(names.map((name) => prepare(machine(name))))
  old = new Map(await Promise.all(names.map(async (name) => [name, await stateOf(machine(name))] as const)))
  await Promise.all(phases.map((phase) => hold(machine(phase), phase)))
  await hold(machine('confirmed'), 'waiting')
  const run = it.report([it.file, ...apply])
  await Promise.all([...phases.map((phase) => held(machine(phase), phase)), held(machine('confirmed'), 'waiting')])
  // Confirmed, but the guard has not come to know it when the power goes.
  await machine('confirmed').sh(`kill -STOP ${(await guardOf('confirmed')).stdout}`)
  await release(machine('confirmed'))
  const confirmed = () => machine('confirmed').sh('test -e /var/lib/provision/current/confirmed')
  await until(async () => (await confirmed()).code === 0 || undefined, { timeoutMs: 20_000, everyMs: 50 })
  await Promise.all(names.map((name) => machine(name).kill()))
  await Promise.all(names.map((name) => machine(name).boot()))
  report = (await run).report
}, 240_000)
afterAll(() => it?.down())

test.each(phases)('the power goes during %s: the host comes back as it was', async (phase) => {
  await settled(machine(phase))
  expect(await stateOf(machine(phase))).toEqual(old.get(phase))
})

test('the report tells what the hosts did', () => {
  const told = Object.fromEntries(
    report.hosts.map(({ name, outcome, error }) => [name, `${outcome}: ${error?.message}`]),
  )
  const lost = 'undone: the power went before it was confirmed'
  expect(told).toEqual({
    stage: 'rejected: the guard went away',
    validate: 'rejected: the guard went away',
    commit: lost,
    activate: lost,
    inspect: lost,
    waiting: lost,
    undo: 'undone: activate of middle failed with exit code 3: it does not start',
    confirmed: 'changed: undefined',
  })
})

test('what was confirmed stays, although the power went in that moment', async () => {
  await settled(machine('confirmed'))
  expect(await history(machine('confirmed'))).toEqual(['confirmed'])
  const state = await stateOf(machine('confirmed'))
  expect(state.filter((line) => /left behind|^\/etc\/e2e-middle|^sshd -t/.test(line))).toEqual([
    '/etc/e2e-middle f 600 root:root ',
    'sshd -t: 0',
  ])
})

test('the next run changes the rest; then nothing is left to do, and all of it survives a power cut', async () => {
  const next = await it.report([it.file, ...apply])
  expect({ code: next.code, outcomes: outcomes(next.report) }).toEqual({
    code: 0,
    outcomes: names.map((name) => `${name} ${name === 'confirmed' ? 'ok' : 'changed'}`),
  })
  const done = await stateOf(machine('commit'))
  await machine('commit').kill()
  await machine('commit').boot()
  expect(await stateOf(machine('commit'))).toEqual(done)
  const { report: last } = await it.report([it.file, ...apply])
  expect(outcomes(last)).toEqual(names.map((name) => `${name} ok`))
})
