import { EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { limiter, type Slot } from '../../../src/ssh/reach/slots.ts'

/** Work that is over when it is told so. */
function tasks(count: number) {
  const begun: number[] = []
  const turn: Slot[] = []
  const over: (() => void)[] = []
  const work = Array.from({ length: count }, (_, at) => (given: Slot) => {
    begun.push(at)
    turn[at] = given
    return new Promise<number>((resolve) => {
      over[at] = () => resolve(at)
    })
  })
  return { begun, over, turn, work }
}
const patience = { silentMs: 50, bannerTimeoutMs: 150, maxHoldMs: 400 }

test('no more have their turn than there are places, in the order they came', async () => {
  const { begun, over, work } = tasks(4)
  const take = limiter(2)
  const all = Promise.all(work.map((each) => take(each)))
  await wait(20)
  expect(begun).toEqual([0, 1])
  over[1]?.()
  await wait(20)
  expect(begun).toEqual([0, 1, 2])
  for (const end of over) end()
  await wait(20)
  over[3]?.()
  expect(await all).toEqual([0, 1, 2, 3])
})

test('who does not answer gives its place away, and is heard all the same when it does', async () => {
  const { begun, over, work } = tasks(2)
  const take = limiter(1, patience)
  const all = work.map((each) => take(each))
  await wait(20)
  expect(begun).toEqual([0])
  await wait(60)
  expect(begun).toEqual([0, 1])
  over[0]?.()
  expect(await all[0]).toBe(0)
})

test('who answers has longer to say a word; who speaks keeps its place; nobody keeps it for ever', async () => {
  const { begun, turn, work } = tasks(3)
  const take = limiter(1, patience)
  for (const each of work) void take(each)
  await wait(10)
  turn[0]?.connected(() => false)
  await wait(80)
  expect(begun).toEqual([0])
  await wait(100)
  expect(begun).toEqual([0, 1])
  turn[1]?.connected(() => true)
  await wait(200)
  expect(begun).toEqual([0, 1])
  await wait(250)
  expect(begun).toEqual([0, 1, 2])
})

test('a place may be kept for what comes after the work', async () => {
  const { begun, over, turn, work } = tasks(2)
  const take = limiter(1)
  const all = work.map((each) => take(each))
  await wait(10)
  const after = new EventEmitter()
  turn[0]?.until(once(after, 'over'))
  over[0]?.()
  expect(await all[0]).toBe(0)
  await wait(20)
  expect(begun).toEqual([0])
  after.emit('over')
  await wait(20)
  expect(begun).toEqual([0, 1])
})

test('what fails is told to whom it belongs, and the next has its turn', async () => {
  const take = limiter(1)
  const failed = take(() => Promise.reject(new Error('no')))
  const next = take(() => Promise.resolve('yes'))
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('yes')
})
