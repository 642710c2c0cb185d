import { expect, test } from 'vitest'
import type { ChangeReport, HostReport } from '../../../src/report/report.ts'
import { driftSince } from '../../../src/run/plan/drift.ts'

const change = (more: Partial<ChangeReport> = {}): ChangeReport => ({
  resource: 'file /etc/motd',
  summary: 'rewrite',
  diff: '-old\n+new\n',
  seen: 'aaaa',
  ...more,
})
const host = (changes: readonly ChangeReport[], more: Partial<HostReport> = {}): HostReport => ({
  name: 'host-a',
  role: 'device',
  outcome: 'differs',
  seconds: 1,
  resources: [],
  changes,
  ...more,
})
const messages = (planned: readonly HostReport[], now: readonly HostReport[]) =>
  [...driftSince(planned, now)].map(([name, { message }]) => `${name}: ${message}`)

test('a plan holds while every host shows what it showed', () => {
  expect(messages([host([change()])], [host([change()])])).toEqual([])
  expect(messages([host([])], [host([])])).toEqual([])
})

test('it does not hold where something else has to be changed by now, or something less', () => {
  expect(messages([host([])], [host([change()])])).toEqual(['host-a: file /etc/motd: is not in the plan: rewrite'])
  expect(messages([host([change()])], [host([])])).toEqual([
    'host-a: file /etc/motd: planned was "rewrite", needed is nothing',
  ])
  expect(messages([host([change()])], [host([change({ summary: 'write' })])])).toEqual([
    'host-a: file /etc/motd: planned was "rewrite", needed is "write"',
  ])
})

test('nor where the same change starts from something else', () => {
  const moved = 'host-a: file /etc/motd: has changed since the plan was made'
  expect(messages([host([change()])], [host([change({ diff: '-older\n+new\n' })])])).toEqual([
    `${moved}, the difference is now:\n  -older\n  +new`,
  ])
  expect(messages([host([change()])], [host([change({ seen: 'bbbb' })])])).toEqual([moved])
})

test('a host that is away has not moved; one that was away then and has to be changed now has', () => {
  expect(messages([host([change()])], [host([], { outcome: 'unreachable' })])).toEqual([])
  expect(messages([host([], { outcome: 'unreachable' })], [host([])])).toEqual([])
  expect(messages([host([], { outcome: 'unreachable' })], [host([change()])])).toEqual([
    'host-a: could not be looked at when the plan was made, and has to be changed',
  ])
  expect(messages([], [host([])])).toEqual(['host-a: is not in the plan'])
})
