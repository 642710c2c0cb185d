import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture, type Rehearsal, rehearse } from './kit.ts'

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(picture)
})
afterAll(() => it?.down())

test('a first run makes the gateway answer as the device', async () => {
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, stderr, forwards: report.forwards.map(({ state }) => state) }).toMatchObject({
    code: 0,
    forwards: ['ok'],
  })
  expect(report.hosts.map(({ outcome }) => outcome)).toEqual(['changed', 'changed'])
})

test('a second run changes nothing: one connection and one exec a host, and one login through each forward', async () => {
  const { code, report } = await it.report([it.file])
  expect(code).toBe(0)
  expect(report.hosts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  expect(report.wire).toEqual({ connections: 3, execs: 3 })
})
