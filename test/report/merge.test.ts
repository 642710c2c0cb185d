import { expect, test } from 'vitest'
import { continued, merge } from '../../src/report/merge.ts'
import type { ForwardReport, HostReport, Report } from '../../src/report/report.ts'

const host = (name: string, more: Partial<HostReport> = {}): HostReport => ({
  ...{ name, role: 'device', outcome: 'ok', seconds: 1, resources: [], changes: [] },
  ...more,
})
const forward = (device: string, state: ForwardReport['state'] = 'ok'): ForwardReport => ({
  ...{ device, gateway: 'gw', bindAddress: '127.0.0.1', port: 9022, state },
})
const report = (more: Partial<Report> = {}): Report => ({
  ...{ version: 1, command: 'verify', inventory: 'lan.json', seconds: 2, exitCode: 0, hosts: [], forwards: [] },
  ...{ recoveries: [], wire: { connections: 2, execs: 1 } },
  ...more,
})
const names = ({ hosts }: Report) => hosts.map(({ name, outcome }) => `${name} ${outcome}`)

test('parts beside each other: all hosts and forwards, the time of the longest, what all of them cost', () => {
  const whole = merge(
    report({ hosts: [host('a')], forwards: [forward('a')], seconds: 3 }),
    report({ hosts: [host('b'), host('c')], forwards: [forward('b')] }),
  )
  expect(names(whole)).toEqual(['a ok', 'b ok', 'c ok'])
  expect(whole.forwards.map(({ device }) => device)).toEqual(['a', 'b'])
  expect(whole).toMatchObject({ exitCode: 0, seconds: 3, wire: { connections: 4, execs: 2 } })
})

test.each([
  [
    [
      report({ hosts: [host('a', { outcome: 'unreachable' })] }),
      report({ hosts: [host('b', { outcome: 'differs' })] }),
    ],
    3,
  ],
  [[report({ hosts: [host('a', { outcome: 'differs' })] }), report()], 4],
  [[report(), report({ forwards: [forward('a', 'stale')] })], 1],
  [[report({ proofs: [{ host: 'a', what: 'a shell', state: 'fails' }] }), report()], 1],
  [[report({ exitCode: 130 }), report()], 130],
])('the exit code is that of the worst, and not of the first or last', (reports, code) => {
  const [first, ...others] = reports as [Report, ...Report[]]
  expect(merge(first, ...others).exitCode).toBe(code)
})

test('what several say is there once', () => {
  const pending = ['gw is to be told the key of a']
  const unchecked = [{ host: 'gw', what: 'files' }]
  const part = report({ pending, unchecked, away: [{ device: 'a', seconds: 5, undone: 9 }] })
  expect(merge(part, part)).toMatchObject({ pending, unchecked, away: [{ device: 'a' }] })
})

test('what nobody has is absent, as in the report of a run', () => {
  expect(Object.keys(merge(report(), report())).sort()).toEqual(Object.keys(report()).sort())
})

test('a run that went on: the last word counts, and neither the interruption nor the cost of the earlier one', () => {
  const earlier = report({
    exitCode: 130,
    seconds: 90,
    hosts: [host('a', { outcome: 'changed' }), host('b', { outcome: 'differs' })],
    forwards: [forward('a'), forward('b', 'no-tunnel')],
    pending: ['gw is to be told the key of b'],
  })
  const whole = continued(earlier, report({ hosts: [host('b', { outcome: 'changed' })], forwards: [forward('b')] }))
  expect(names(whole)).toEqual(['a changed', 'b changed'])
  expect(whole.forwards.map(({ state }) => state)).toEqual(['ok', 'ok'])
  expect(whole).toMatchObject({ exitCode: 0, seconds: 2, wire: { connections: 2, execs: 1 } })
  expect(whole.pending).toBeUndefined()
})
