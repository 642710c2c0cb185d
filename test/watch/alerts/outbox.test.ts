import { expect, test } from 'vitest'
import type { AlertEvent, Message } from '../../../src/watch/alerts/message.ts'
import { type OutboxOptions, outbox } from '../../../src/watch/alerts/outbox.ts'
import { NotSent } from '../../../src/watch/alerts/post.ts'
import { quietMs } from '../../../src/watch/alerts/quiet.ts'
import { type AlertTarget, targetsOf } from '../../../src/watch/alerts/targets.ts'
import { recordInMemory } from '../world.ts'

const event = (name: string, groups: string[] = []): AlertEvent => ({
  ...{ kind: 'down', name, role: 'device', groups, since: '2026-11-01T10:00:00.000Z' },
})
const begin = new Date(2026, 10, 1, 21, 0).getTime()

/** An outbox whose sleeps pass at once, and move the clock. */
function box(record = recordInMemory(), ended = new AbortController()) {
  const state = { now: begin }
  const slept: number[] = []
  const notes: string[] = []
  const options: OutboxOptions = {
    ...{ record, from: { inventory: 'i.json', watcher: 'host-w' }, ended: ended.signal },
    now: () => state.now,
    async sleep(ms) {
      slept.push(ms / 1000)
      state.now += ms
    },
    note: (text) => notes.push(text),
  }
  return { it: outbox(options), record, slept, notes, state, ended }
}

/** A target that notes what it gets, and fails as often as it is told to. */
function target(failures = 0, more: Partial<AlertTarget> = {}) {
  const got: Message[] = []
  const tried: Message[] = []
  const it: AlertTarget = {
    ...{ key: 'k', name: 'alerts[0] (webhook)', wants: () => true },
    async send(message) {
      tried.push(message)
      if (tried.length <= failures) throw new NotSent('example.org answered 500')
      got.push(message)
    },
    ...more,
  }
  return { it, got, tried }
}
const settle = () => new Promise((done) => setTimeout(done, 5))
const names = (messages: readonly Message[]) => messages.map(({ events }) => events.map(({ name }) => name).join('+'))

test('a message is sent once, and need not be sent again', async () => {
  const { it, record } = box()
  const one = target()
  it.use([one.it])
  it.tell([event('a')])
  await settle()
  expect(names(one.got)).toEqual(['a'])
  expect(record.entries.map(({ kind }) => kind)).toEqual(['message', 'sent'])
  expect(it.waiting()).toBe(0)
})

test('what does not arrive is tried again, ever more seldom, as the same message, and it is said once', async () => {
  const { it, slept, notes } = box()
  const one = target(9)
  it.use([one.it])
  it.tell([event('a')])
  await settle()
  expect(names(one.got)).toEqual(['a'])
  expect(slept).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600])
  expect(new Set(one.tried.map(({ id }) => id)).size).toBe(1)
  expect(notes).toEqual([
    'alerts[0] (webhook): example.org answered 500; it is tried again until it arrives',
    'alerts[0] (webhook): the message has arrived',
  ])
})

test('what happens while a target hangs is sent in one message afterwards; others do not wait', async () => {
  const { it } = box()
  let release = () => {}
  const slow = target()
  const held = new Promise<void>((done) => {
    release = done
  })
  const hanging: AlertTarget = {
    ...slow.it,
    async send(message) {
      await held
      await slow.it.send(message)
    },
  }
  const other = target(0, { key: 'other' })
  it.use([hanging, other.it])
  await settle()
  for (const name of ['a', 'b', 'c']) it.tell([event(name)])
  await settle()
  expect(names(slow.got)).toEqual([])
  expect(names(other.got).join('+')).toBe('a+b+c')
  release()
  await settle()
  expect(names(slow.got)).toEqual(['a', 'b+c'])
})

test('what was not sent before a restart is sent after it; what was is not', async () => {
  const before = box()
  const broken = target(99)
  const well = target(0, { key: 'well' })
  // It never gets to a second try.
  const stuck: AlertTarget = { ...broken.it, send: () => new Promise(() => undefined) }
  before.it.use([stuck, well.it])
  before.it.tell([event('a')])
  await settle()
  before.ended.abort()
  const after = box(before.record)
  const [again, wellAgain] = [target(), target(0, { key: 'well' })]
  after.it.use([again.it, wellAgain.it])
  await settle()
  expect(names(again.got)).toEqual(['a'])
  expect(wellAgain.got).toEqual([])
})

test('a target that was taken out of the inventory gets nothing more', async () => {
  const { it } = box()
  const one = target()
  it.use([{ ...one.it, send: () => new Promise(() => undefined) }])
  it.tell([event('a')])
  it.use([])
  expect(it.waiting()).toBe(0)
})

test('after a week a message is given up', async () => {
  const { it, notes, slept } = box()
  const one = target(5000)
  it.use([one.it])
  it.tell([event('a')])
  await settle()
  expect(notes.at(-1)).toBe('alerts[0] (webhook): 1 messages of more than a week ago are given up')
  expect(slept.reduce((all, seconds) => all + seconds)).toBeLessThan(8 * 86_400)
})

test('at quiet hours nothing is sent; when they are over, all of it in one message', async () => {
  const { it, slept } = box()
  const one = target(0, { quiet: { from: 20 * 60, until: 7 * 60 } })
  it.use([one.it])
  it.tell([event('a')])
  it.tell([event('b')])
  await settle()
  expect(names(one.got)).toEqual(['a+b'])
  expect(slept).toEqual([10 * 3600])
})

test('quiet hours are by the clock on the wall, also past midnight', () => {
  const at = (hour: number, minute = 0) => new Date(2026, 10, 1, hour, minute)
  const night = { from: 22 * 60, until: 7 * 60 }
  expect([at(21, 59), at(7), at(12)].map((now) => quietMs(night, now))).toEqual([0, 0, 0])
  expect(quietMs(night, at(22))).toBe(9 * 3_600_000)
  expect(quietMs(night, at(6, 59))).toBe(60_000)
  expect(quietMs({ from: 12 * 60, until: 13 * 60 }, at(12, 30))).toBe(30 * 60_000)
})

test('a target with groups gets what happens to them, and every test', () => {
  const [only] = targetsOf([{ kind: 'exec', argv: ['true'], groups: ['site'] }], {})
  expect(only?.wants(event('a', ['site', 'other']))).toBe(true)
  expect(only?.wants(event('a', ['other']))).toBe(false)
  expect(only?.wants({ ...event('a'), kind: 'test' })).toBe(true)
})

test('a target is the same one wherever it stands in the list, and another one when it is another', () => {
  const [a, b] = targetsOf(
    [
      { kind: 'exec', argv: ['a'] },
      { kind: 'exec', argv: ['b'], quiet: { from: 0, until: 60 } },
    ],
    {},
  )
  const [again] = targetsOf([{ kind: 'exec', argv: ['b'] }], {})
  expect(again?.key).toBe(b?.key)
  expect(a?.key).not.toBe(b?.key)
})
