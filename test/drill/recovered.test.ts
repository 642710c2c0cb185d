import { expect, test } from 'vitest'
import { recovered } from '../../src/drill/recovered.ts'

/** A clock that moves when somebody waits. */
function clock() {
  let time = 0
  return {
    now: () => time,
    wait: async (ms: number) => {
      time += ms
      // What was begun before may come to its end.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('nobody knocks before the fault is over, and then again and again until it answers', async () => {
  const { now, wait } = clock()
  const knocks: number[] = []
  const at = await recovered(
    async () => {
      knocks.push(now())
      return now() >= 3_900
    },
    { from: 3_000, until: 60_000, now, wait },
  )
  expect(knocks).toEqual([3_000, 3_200, 3_400, 3_600, 3_800, 4_000])
  expect(at).toBeGreaterThanOrEqual(4_000)
  expect(at).toBeLessThan(4_100)
})

test('what counts is the greeting, and not the login that proves whose it was; meanwhile nobody else knocks', async () => {
  const { now, wait } = clock()
  const knocks: number[] = []
  const at = await recovered(
    async (greeted) => {
      knocks.push(now())
      if (now() < 400) return false
      greeted(now() + 100)
      await wait(6_000)
      return true
    },
    { from: 0, until: 60_000, now, wait },
  )
  expect([knocks, at]).toEqual([[0, 200, 400], 500])
})

test('a greeting of somebody else is not the end', async () => {
  const { now, wait } = clock()
  let strangers = 0
  const at = await recovered(
    async (greeted) => {
      greeted(now())
      return strangers++ === 2
    },
    { from: 0, until: 60_000, now, wait },
  )
  expect(at).toBe(400)
})

test('those that hang do not hide the next, come seldom, and are not more than 20', async () => {
  const { now, wait } = clock()
  let hanging = 0
  const at = await recovered(
    () => {
      if (now() >= 4_000) return Promise.resolve(true)
      hanging++
      return new Promise(() => undefined)
    },
    { from: 0, until: 60_000, now, wait },
  )
  // Four in 0.8 s, then two a second.
  expect(hanging).toBe(4 + 6)
  expect(at).toBeLessThan(4_200)
  let all = 0
  const never = await recovered(
    () => {
      all++
      return new Promise(() => undefined)
    },
    { from: now(), until: now() + 60_000, now, wait },
  )
  expect({ never, all }).toEqual({ never: undefined, all: 20 })
})

test('what is no proof but a mistake of ours is not waited out', async () => {
  const { now, wait } = clock()
  const broken = recovered(async () => Promise.reject(new TypeError('ours')), { from: 0, until: 60_000, now, wait })
  await expect(broken).rejects.toThrow('ours')
  expect(now()).toBeLessThan(2_000)
})
