import { expect, test } from 'vitest'
import { goneSince, reachedSince } from '../../src/watch/gateway-sight.ts'

const at = (second: number) => second * 1000
const between = (earliest: number, latest: number) => ({ earliest: at(earliest), latest: at(latest) })

test('a connection that fell silent was cut between the last keepalive that was answered and the next', () => {
  const lost = { at: at(100), silentSeconds: 15 }
  expect(goneSince({ asked: at(90), answered: at(60), lost })).toEqual(between(80, 85))
  expect(goneSince({ asked: at(90), answered: at(83), lost })).toEqual(between(83, 85))
})

test('one that was closed was cut then, and of one that nobody knows more about it lies between two questions', () => {
  expect(goneSince({ asked: at(90), answered: at(60), lost: { at: at(95), silentSeconds: 0 } })).toEqual(
    between(95, 95),
  )
  expect(goneSince({ asked: at(90), answered: at(60), lost: { at: at(95) } })).toEqual(between(60, 95))
  expect(goneSince({ asked: at(90), answered: at(60), lost: undefined })).toEqual(between(60, 90))
  expect(goneSince({ asked: at(90), answered: undefined, lost: undefined })).toBeUndefined()
})

test('who is reached again is so since the last try that failed, or since it was started', () => {
  expect(reachedSince({ at: at(100), failed: at(95), bootAge: 500 }).begin).toEqual(between(95, 100))
  expect(reachedSince({ at: at(100), failed: at(90), bootAge: 4 })).toEqual({ booted: at(96), begin: between(96, 100) })
  expect(reachedSince({ at: at(100), failed: undefined, bootAge: 500 })).not.toHaveProperty('begin')
})
