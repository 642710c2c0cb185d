import { describe, expect, test } from 'vitest'
import { ConnectError, RemoteError } from '../../../src/errors.ts'
import { away, failed, outcome, run, waiting } from './host.ts'

const lost = new RemoteError('lost', 'the connection was lost')
const slow = new RemoteError('timeout', 'no answer within 300 s')
const no = new ConnectError('login', 'the login as user001 was refused')

test.each([
  ['lost', lost],
  ['too slow', slow],
])('a connection that is %s during the apply is made again, and the host asked how it stands', async (_, error) => {
  const { end, log } = await run([error], away, [waiting], [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  const closed = ['close first', 'close login 2']
  expect(log).toEqual(['apply by first', 'no login', 'watch by login 2', 'confirm by login 3', ...closed])
})

test('a connection that was lost during the apply may find that the host never heard of it', async () => {
  const { end } = await run([lost], [outcome('never')])
  expect(end).toMatchObject({
    outcome: 'rejected',
    error: { message: 'the connection was lost before the host took the change' },
  })
})

test('a connection that is lost again while watching is made again', async () => {
  const { end, log } = await run([lost], [lost], [failed('commit', 'no space\n', 'undone')])
  expect(end).toMatchObject({
    outcome: 'undone',
    error: { message: 'commit of file /etc/motd failed with exit code 1: no space' },
  })
  const closed = ['close first', 'close login 2']
  expect(log).toEqual(['apply by first', 'watch by login 1', 'close login 1', 'watch by login 2', ...closed])
})

test('a fresh login that is refused is not tried twice: the change is given up at once', async () => {
  const { end, log } = await run([waiting, failed('confirm', `${no.message}\n`, 'undone')], no, [])
  expect(end).toMatchObject({ outcome: 'undone', error: { message: 'the login as user001 was refused' } })
  expect(log).toEqual(['apply by first', 'no login', 'abandon by first', 'close first'])
})

test('a host that cannot be reached at first is tried until half of its patience is over', async () => {
  const { end, log } = await run([waiting], away, away, [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  expect(log).toEqual(['apply by first', 'no login', 'confirm by login 3', 'close first'])
  const nine = Array(9).fill(away)
  const given = await run([waiting, failed('confirm', 'no route to host', 'undone')], ...nine, [])
  expect(given.end).toMatchObject({ outcome: 'undone', error: { message: 'no route to host' } })
  expect(given.seconds).toBeGreaterThan(10)
  expect(given.seconds).toBeLessThan(15)
})

test('a session that is lost while the change is given up is made again', async () => {
  const { end, log } = await run([waiting, lost], no, [failed('confirm', 'x', 'undone')])
  expect(end.outcome).toBe('undone')
  const closed = ['close first', 'close login 2']
  expect(log).toEqual(['apply by first', 'no login', 'abandon by first', 'abandon by login 2', ...closed])
})

test('a confirmation that is lost is sent again: the host may still be waiting for it', async () => {
  const { end, log } = await run([waiting], [lost], away, [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  const closed = ['close first', 'close login 1']
  expect(log).toEqual(['apply by first', 'confirm by login 1', 'no login', 'confirm by login 3', ...closed])
})

test('a host that never comes back is unknown, and says when it settles by itself', async () => {
  const { end, seconds } = await run([lost], away)
  expect(end).toMatchObject({
    outcome: 'unknown',
    error: {
      message: expect.stringMatching(/^the connection was lost .* settles by itself by 12:0\d:\d\d$/),
      hint: 'run again then',
    },
  })
  expect(seconds).toBeGreaterThanOrEqual(50)
  expect(seconds).toBeLessThan(55)
})

test('a host that goes away for good is unknown, while it was confirmed and while it was given up', async () => {
  expect((await run([waiting], [lost], away)).end.outcome).toBe('unknown')
  expect((await run([waiting, lost], no, away)).end.outcome).toBe('unknown')
})

test('a fresh login that is of no use there is none: the change is given up by the session that is', async () => {
  const sudo = new RemoteError('sudo', 'user001 is not root, and there is no sudo')
  const { end, log } = await run([waiting, failed('confirm', `${sudo.message}\n`, 'undone')], [sudo], [])
  expect(end).toMatchObject({ outcome: 'undone', error: { message: sudo.message } })
  expect(log).toEqual(['apply by first', 'confirm by login 1', 'abandon by first', 'close first', 'close login 1'])
})

test('whatever happens, no session is left open but the one that it ends with, or the first', async () => {
  const broken = new TypeError('a fault of ours')
  const ends = await Promise.all([
    run([waiting], [lost], away),
    run([waiting, lost], [new RemoteError('sudo', 'no')], [lost], away),
    run([lost], [slow], away),
    run([waiting], [broken]).catch(() => undefined),
  ])
  for (const { opened, log, end } of ends.flatMap((each) => (each ? [each] : []))) {
    const closed = log.filter((line) => line.startsWith('close '))
    expect([end.session, opened]).toEqual([undefined, closed.length])
  }
})

describe('after a rollback', () => {
  const undone = failed('commit', 'no space', 'undone')

  test('a fresh login comes in, and the session is that one', async () => {
    const { end, log } = await run([undone], [])
    expect([end.outcome, end.session?.via]).toEqual(['undone', 'direct'])
    expect(log).toEqual(['apply by first', 'close first'])
  })

  test('sshd may still be coming up: a login that is refused, or cut, is tried again', async () => {
    const { end, log, seconds } = await run([undone], away, no, away, [])
    expect(end.outcome).toBe('undone')
    expect(log).toEqual(['apply by first', 'no login', 'close first'])
    expect(seconds).toBeLessThan(10)
  })

  test('that lets nobody in any more the host is not as before, whatever it says: that is said with what to do at its console', async () => {
    const { end, log, seconds } = await run([undone], no)
    expect(end).toEqual({
      outcome: 'undo-failed',
      shown: new Map(),
      error: {
        message: [
          'commit of file /etc/motd failed with exit code 1: no space',
          'it says that it is as before, but no login gets in any more: the login as user001 was refused',
        ].join('\n'),
        hint: expect.stringMatching(
          /^at its console .*systemctl restart ssh.*\/var\/lib\/provision\/history\/run-0\/saved.* run again /,
        ),
      },
    })
    expect(log).toEqual(['apply by first', 'no login'])
    expect(seconds).toBeGreaterThan(30)
    expect(seconds).toBeLessThan(40)
  })

  test('nobody logs in afresh where nothing was touched, or all was confirmed', async () => {
    expect((await run([failed('validate', 'x', 'rejected')], [])).log).toEqual(['apply by first'])
    expect((await run([waiting], [outcome('confirmed')], [])).opened).toBe(1)
  })
})

test('what is no loss of a connection is not hidden', async () => {
  const sudo = new RemoteError('sudo', 'sudo wants a password')
  await expect(run([sudo])).rejects.toBe(sudo)
  await expect(run([waiting], new TypeError('a fault of ours'))).rejects.toThrow('a fault of ours')
})
