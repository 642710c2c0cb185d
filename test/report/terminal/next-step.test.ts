import { expect, test } from 'vitest'
import type { Report } from '../../../src/report/report.ts'
import { nextStep } from '../../../src/report/terminal/next-step.ts'
import { device, forward, report } from '../report-of.ts'

const known = { knowsDevices: true, isDefault: false }
const next = (more: Partial<Report>, situation: Parameters<typeof nextStep>[1] = known) =>
  nextStep(report(more), situation)

test('a run that went well says how people log in, and first what makes their ssh know the device', () => {
  expect(next({})).toBe('people log in with: ssh host-a')
  expect(next({}, { ...known, knowsDevices: false })).toBe(
    'provision ssh-config guest-lan.json --write; then people log in with: ssh host-a',
  )
  const forwards = [forward, { ...forward, port: 9023 }, { ...forward, device: 'host-b', port: 9024 }]
  expect(next({ command: 'verify', forwards })).toBe('people log in with: ssh host-a, or any other of 2 devices')
  expect(next({ forwards: [] })).toBeUndefined()
})

test.each<[string, Partial<Report>, string | undefined]>([
  [
    'a forward that is down',
    { forwards: [{ ...forward, state: 'stale' }], exitCode: 1 },
    'provision doctor guest-lan.json --device host-a finds out why',
  ],
  [
    'a check that found something',
    { command: 'check', forwards: [], exitCode: 4 },
    'provision apply guest-lan.json does it',
  ],
  [
    'a check that found nothing',
    { command: 'check', forwards: [] },
    'provision verify guest-lan.json proves every forward',
  ],
  ['a check that reached nobody', { command: 'check', forwards: [], exitCode: 3 }, undefined],
  [
    'a verify that found something',
    { command: 'verify', exitCode: 4 },
    'provision plan guest-lan.json shows what would put it right',
  ],
  [
    'a host that failed',
    { exitCode: 3, hosts: [{ ...device, outcome: 'unreachable', error: { message: 'no' } }] },
    'see what the hosts say above, then run provision apply guest-lan.json again',
  ],
  ['a no to the plan', { exitCode: 4, forwards: [] }, undefined],
  ['an undo', { command: 'undo' }, 'provision plan guest-lan.json shows what differs from the inventory now'],
  [
    'the check of an undo',
    { command: 'undo-check', forwards: [], exitCode: 4 },
    'provision undo guest-lan.json does it',
  ],
  ['the check of an undo of nothing', { command: 'undo-check', forwards: [], exitCode: 1 }, undefined],
  ['Ctrl-C', { exitCode: 130 }, 'run the same again: what is done already is not done twice'],
  ['a drill', { command: 'drill', forwards: [] }, undefined],
])('after %s', (_, more, said) => {
  expect(next(more)).toBe(said)
})

test('a plan that was written is what is applied', () => {
  const more = { command: 'check', forwards: [], exitCode: 4 } as const
  expect(next(more, { ...known, planFile: 'plan.json' })).toBe('provision apply plan.json')
})

test('an inventory that commands find by themselves is not named', () => {
  const more = { command: 'check', forwards: [], exitCode: 4, inventory: 'inventory.json' } as const
  expect(next(more, { ...known, isDefault: true })).toBe('provision apply does it')
})
