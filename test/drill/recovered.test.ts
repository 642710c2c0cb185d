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

test('nobody knocks before the fault is over, and then twice a second until it answers', async () => {
  const { now, wait } = clock()
  const knocks: number[] = []
  const at = await recovered(
    async () => {
      knocks.push(now())
      return now() >= 5_000
    },
    { from: 3_000, until: 60_000, now, wait },
  )
  expect(knocks).toEqual([3_000, 3_500, 4_000, 4_500, 5_000])
  expect(at).toBeGreaterThanOrEqual(5_000)
  expect(at).toBeLessThan(5_100)
})

test('one that hangs does not hide the next, and not more than 20 hang at once', async () => {
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
  expect(hanging).toBe(8)
  expect(at).toBeLessThan(4_100)
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
