import { afterEach, expect, test, vi } from 'vitest'
import { localTime, withLocalTimes } from '../../src/report/local-time.ts'

afterEach(() => vi.unstubAllEnvs())

test('a time is that of the clock on the wall, where it is read', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  expect(localTime('2026-11-24T23:32:45.120Z')).toBe('2026-11-25 08:32:45')
  const who = 'root on admin, process 7, since 2026-07-01T06:02:01.000Z'
  expect(withLocalTimes(who)).toBe('root on admin, process 7, since 2026-07-01 15:02:01')
})

test('what is no time stays as it is', () => {
  expect(localTime('yesterday')).toBe('yesterday')
})
