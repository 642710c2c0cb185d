import { expect, test } from 'vitest'
import { connections, undertaking } from '../../../src/ssh/session/connections.ts'

test('all that is held is closed once, the newest first', () => {
  const closed: string[] = []
  const all = connections()
  all.hold(() => closed.push('gateway'))
  const forget = all.hold(() => closed.push('gone by itself'))
  all.hold(() => closed.push('device'))
  forget()
  all.closeAll()
  all.closeAll()
  expect(closed).toEqual(['device', 'gateway'])
})

test('what comes to stand after the end is closed at once', () => {
  const all = connections()
  all.closeAll()
  let closed = 0
  all.hold(() => closed++)()
  expect(closed).toBe(1)
})

test('a fault of one that is closed is told when all are', () => {
  const all = connections()
  let closed = 0
  all.hold(() => closed++)
  all.hold(() => {
    throw new TypeError('a fault')
  })
  all.hold(() => closed++)
  expect(() => all.closeAll()).toThrow('a fault')
  expect(closed).toBe(2)
})

test('what forgets itself while it is closed is closed once', () => {
  const all = connections()
  let closed = 0
  const forget = all.hold(() => {
    closed++
    forget()
  })
  all.closeAll()
  all.closeAll()
  expect(closed).toBe(1)
})

test('what is being opened is given up with its own signal, before and after it began, and at the end of all', () => {
  const all = connections()
  const before = new AbortController()
  before.abort()
  expect(undertaking(all, before.signal).signal.aborted).toBe(true)
  const own = new AbortController()
  const first = undertaking(all, own.signal)
  own.abort()
  expect(first.signal.aborted).toBe(true)
  const [second, done] = [undertaking(all, undefined), undertaking(all, undefined)]
  done.done()
  all.closeAll()
  expect([second.signal.aborted, done.signal.aborted]).toEqual([true, false])
  expect(undertaking(all, undefined).signal.aborted).toBe(true)
})
