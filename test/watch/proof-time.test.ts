import { expect, test } from 'vitest'
import { isDue, type LastProof, restMs } from '../../src/watch/proof-time.ts'

const rules = { everyMs: 30_000, restMs: 600_000, silentSeconds: 25 }
const last = (state: LastProof['state']): LastProof => ({
  at: 0,
  state,
  session: state === 'no-tunnel' ? undefined : 7,
})
const shown = (session: number | undefined, silentFor = 1) => ({ session, silentFor })
const second = 1000

test('a few forwards are proved at each look, a thousand one in a second', () => {
  for (const place of [0, 1]) expect(restMs(30, 30_000, place)).toBeLessThan(30_000)
  expect([0, 0.5, 1].map((place) => restMs(1000, 30_000, place))).toEqual([750_000, 1_000_000, 1_250_000])
})

test('what was never proved is proved', () => {
  expect(isDue(undefined, shown(undefined), 0, rules)).toBe(true)
})

test('one that is well rests while its session is the same and is heard', () => {
  expect(isDue(last('ok'), shown(7), 599 * second, rules)).toBe(false)
  expect(isDue(last('ok'), shown(7), 600 * second, rules)).toBe(true)
  expect(isDue(last('ok'), shown(8), second, rules)).toBe(true)
  expect(isDue(last('ok'), shown(undefined), second, rules)).toBe(true)
})

test('a session that has fallen silent is proved, but not at each look', () => {
  expect(isDue(last('ok'), shown(7, 26), 30 * second, rules)).toBe(true)
  expect(isDue(last('ok'), shown(7, 26), 20 * second, rules)).toBe(false)
})

test('one that is silent is asked again when it is heard, and one without a tunnel when there is one', () => {
  expect(isDue(last('stale'), shown(7, 90), 60 * second, rules)).toBe(false)
  expect(isDue(last('stale'), shown(7, 2), 60 * second, rules)).toBe(true)
  expect(isDue(last('no-tunnel'), shown(undefined), 60 * second, rules)).toBe(false)
  expect(isDue(last('no-tunnel'), shown(9), second, rules)).toBe(true)
})

test('an sshd of a device that is down shows in no journal: it is tried at each look', () => {
  expect(isDue(last('device-sshd-down'), shown(7), 20 * second, rules)).toBe(false)
  expect(isDue(last('device-sshd-down'), shown(7), 30 * second, rules)).toBe(true)
})

test('where the gateway lets nobody read, what is not well is tried at each look', () => {
  expect(isDue(last('stale'), undefined, 30 * second, rules)).toBe(true)
  expect(isDue(last('ok'), undefined, 30 * second, rules)).toBe(false)
})
