import { expect, test } from 'vitest'
import { notifier } from '../../../src/watch/service/notify.ts'

function heard(env: Record<string, string>) {
  const words: string[][] = []
  const ends: (() => void)[] = []
  let ms = 0
  const send = (some: string[], done: () => void) => {
    words.push(some)
    ends.push(done)
  }
  const { well } = notifier(env, { now: () => ms, send })
  return { words, well, end: () => ends.shift()?.(), wait: (more: number) => (ms += more) }
}

test('systemd is told at once, when the status is another one, and three times in the time of the watchdog', () => {
  const it = heard({ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '60000000' })
  const say = (status: string) => {
    it.well(status)
    it.end()
  }
  say('0 of 2')
  expect(it.words).toEqual([['--ready', '--status=0 of 2', 'WATCHDOG=1']])
  it.wait(19_999)
  say('0 of 2')
  expect(it.words.length).toBe(1)
  it.wait(1)
  say('0 of 2')
  say('1 of 2')
  expect(it.words.map(([, status]) => status)).toEqual(['--status=0 of 2', '--status=0 of 2', '--status=1 of 2'])
})

test('one message at a time, and none where nobody listens', () => {
  const it = heard({ NOTIFY_SOCKET: '/run/x' })
  it.well('a')
  it.well('b')
  expect(it.words.length).toBe(1)
  it.end()
  it.well('b')
  expect(it.words.length).toBe(2)
  const alone = heard({})
  alone.well('a')
  expect(alone.words).toEqual([])
})
