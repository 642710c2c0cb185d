import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { ConnectError, RemoteError } from '../src/errors.ts'
import type { Resource } from '../src/resource.ts'
import type { Transaction } from '../src/script.ts'
import type { Result, Session } from '../src/session.ts'
import { sh } from '../src/sh.ts'
import { transact } from '../src/transaction.ts'

const b64 = (text: string) => Buffer.from(text).toString('base64')
const resource: Resource = {
  id: 'file /etc/motd',
  inspect: sh`cat /etc/motd`,
  diff: (now) =>
    now === 'new' ? 'converged' : now === 'later' ? 'later' : { summary: 'rewrite', saves: [], commit: sh`:` },
}
const wanted: Transaction = {
  id: 'run-0',
  who: 'user001',
  patience: 20,
  resources: [resource],
  changes: [{ resource, change: { summary: 'rewrite', saves: [], commit: sh`:` }, digest: 'd' }],
}
const nobody = { of: () => undefined, gone: () => false, failed: () => false }

const lost = new RemoteError('lost', 'the connection was lost')
const slow = new RemoteError('timeout', 'no answer within 300 s')
const away = new ConnectError('unreachable', 'no route to host')
const no = new ConnectError('login', 'the login as user001 was refused')
const waiting = `@\n@seen 0 ${b64('new')}\n@outcome waiting\n`
const outcome = (word: string) => `@outcome ${word}\n`
const failed = (phase: string, message: string, word: string) =>
  `@failed ${phase} 0 1 ${b64(message)}\n${outcome(word)}`

type Answers = readonly (string | Error | Partial<Result>)[]
interface Wire {
  readonly end: Awaited<ReturnType<typeof transact>>
  /** `HOST-SIDE WORD by SESSION`, and what else happened, in order. */
  readonly log: readonly string[]
  /** What it was sent. */
  readonly scripts: readonly string[]
  readonly seconds: number
}

/** A host by a script: what the first session answers, then every login, which fails or is a session with its answers. */
const run = (first: Answers, ...logins: readonly (Error | Answers)[]) => runOf(wanted, first, ...logins)

async function runOf(asked: Transaction, first: Answers, ...logins: readonly (Error | Answers)[]): Promise<Wire> {
  const log: string[] = []
  const scripts: string[] = []
  const session = (name: string, answers: Answers): Session => {
    const left = [...answers]
    return {
      host: 'host-a',
      via: 'direct',
      hostKey: 'ssh-ed25519 AAAA',
      hostKeys: () => ['ssh-ed25519 AAAA'],
      forward: async () => new Duplex(),
      close: () => void log.push(`close ${name}`),
      async exec(script, { privileged }) {
        const word = /^set -- (\w+)/m.exec(script)?.[1] ?? 'apply'
        expect(privileged).toBe(true)
        log.push(`${word} by ${name}`)
        scripts.push(script)
        const answer = left.shift()
        if (answer === undefined) throw new Error(`${name} was asked once too often`)
        if (answer instanceof Error) throw answer
        const result = typeof answer === 'string' ? { stdout: Buffer.from(answer) } : answer
        return { code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), ...result }
      },
    }
  }
  let clock = 0
  let made = 0
  const end = await transact(session('first', first), asked, nobody, {
    now: () => clock,
    clock: () => new Date(2026, 10, 22, 12, 0, 0),
    wait: async (ms) => {
      clock += ms
    },
    debug: () => {},
    login: async () => {
      const next = logins[Math.min(made++, logins.length - 1)]
      clock += 1000
      if (next instanceof Error || next === undefined) {
        if (log.at(-1) !== 'no login') log.push('no login')
        throw next ?? away
      }
      return session(`login ${made}`, next)
    },
  })
  return { end, log, scripts, seconds: clock / 1000 }
}

test('what is applied is confirmed by a fresh login, and the old session is closed', async () => {
  const { end, log } = await run([waiting], [outcome('confirmed')])
  expect(end).toMatchObject({ outcome: 'changed' })
  expect(end.shown.get(resource.id)?.text).toBe('new')
  expect(log).toEqual(['apply by first', 'confirm by login 1', 'close first'])
})

test('a change of host keys is confirmed by a login that shows one of them, and by no other', async () => {
  const renewing = (key: string): Transaction => ({
    ...wanted,
    changes: wanted.changes.map((planned) => ({ ...planned, change: { ...planned.change, hostKeys: [key] } })),
  })
  const good = await runOf(renewing('ssh-ed25519 AAAA'), [waiting], [outcome('confirmed')])
  expect(good.end.outcome).toBe('changed')
  const undone = failed('confirm', 'the login still showed a host key from before the change\n', 'undone')
  const { end, log } = await runOf(renewing('ssh-ed25519 BBBB'), [waiting, undone], [])
  expect(end).toMatchObject({
    outcome: 'undone',
    error: { message: 'the login still showed a host key from before the change' },
  })
  expect(log.at(-1)).toBe('abandon by first')
})

test.each([
  ['lost', lost],
  ['too slow', slow],
])('a connection that is %s during the apply is made again, and the host asked how it stands', async (_, error) => {
  const { end, log } = await run([error], away, [waiting], [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  expect(log).toEqual(['apply by first', 'no login', 'watch by login 2', 'confirm by login 3', 'close login 2'])
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
  expect(log).toEqual(['apply by first', 'watch by login 1', 'close login 1', 'watch by login 2'])
})

test('a fresh login that is refused is not tried twice: the change is given up at once', async () => {
  const { end, log } = await run([waiting, failed('confirm', `${no.message}\n`, 'undone')], no)
  expect(end).toMatchObject({ outcome: 'undone', error: { message: 'the login as user001 was refused' } })
  expect(log).toEqual(['apply by first', 'no login', 'abandon by first'])
})

test('a host that cannot be reached at first is tried until half of its patience is over', async () => {
  const { end, log } = await run([waiting], away, away, [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  expect(log).toEqual(['apply by first', 'no login', 'confirm by login 3', 'close first'])
  const given = await run([waiting, failed('confirm', 'no route to host', 'undone')], away)
  expect(given.end).toMatchObject({ outcome: 'undone', error: { message: 'no route to host' } })
  expect(given.seconds).toBeGreaterThan(10)
  expect(given.seconds).toBeLessThan(15)
})

test.each([
  ['still differs', 'old', 'after the change file /etc/motd is still not as wanted: rewrite'],
  ['cannot be told', 'later', 'after the change file /etc/motd is still not as wanted: it cannot be told'],
])('what %s after the change is given up without a login', async (_, now, why) => {
  const { end, log, scripts } = await run([
    `@seen 0 ${b64(now)}\n@outcome waiting\n`,
    failed('confirm', `${why}\n`, 'undone'),
  ])
  expect(scripts.at(-1)).toContain(`'${why}'`)
  expect(end).toMatchObject({ outcome: 'undone', error: { message: expect.stringContaining(why) } })
  expect(log).toEqual(['apply by first', 'abandon by first'])
})

test('a resource that showed nothing after the change is not taken for converged', async () => {
  const { end, log } = await run([outcome('waiting'), failed('confirm', 'x', 'undone')])
  expect([end.outcome, log.at(-1)]).toEqual(['undone', 'abandon by first'])
})

test('a session that is lost while the change is given up is made again', async () => {
  const { end, log } = await run([waiting, lost], no, [failed('confirm', 'x', 'undone')])
  expect(end.outcome).toBe('undone')
  expect(log).toEqual(['apply by first', 'no login', 'abandon by first', 'abandon by login 2'])
})

test('a confirmation that is lost is sent again: the host may still be waiting for it', async () => {
  const { end, log } = await run([waiting], [lost], away, [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  expect(log).toEqual(['apply by first', 'confirm by login 1', 'no login', 'confirm by login 3', 'close first'])
})

test('a confirmation that came too late is an undo', async () => {
  const { end } = await run([waiting], [failed('confirm', 'nobody confirmed within 20 s\n', 'undone')])
  expect(end).toMatchObject({ outcome: 'undone', error: { message: 'nobody confirmed within 20 s' } })
})

test('a host that is held by another run is left alone, and says by whom', async () => {
  const { end } = await run([`@locked ${b64('user002 on host002\n')}\n`])
  expect(end).toMatchObject({
    outcome: 'rejected',
    error: { message: 'another run holds this host: user002 on host002', hint: 'run again when it has ended' },
  })
  expect((await run(['@locked \n'])).end.error?.message).toBe('another run holds this host: another run')
})

test('a rejected change says phase, resource, exit code and the words of the host', async () => {
  const { end } = await run([failed('validate', 'sshd: line 3: bad\n', 'rejected')])
  expect(end).toMatchObject({
    outcome: 'rejected',
    error: { message: 'validate of file /etc/motd failed with exit code 1: sshd: line 3: bad' },
  })
})

test('what somebody changed in the meantime is told with what to do', async () => {
  const { end } = await run([failed('unmoved', 'it has changed since it was looked at', 'rejected')])
  expect(end.error).toEqual({
    message: 'file /etc/motd has changed since it was looked at',
    hint: 'somebody changed it in the meantime: run again',
  })
})

test('an undo that complained is undone, with its complaint', async () => {
  const undone = `@failed commit 0 1 ${b64('no space')}\n@undo ${b64('not so\n')}\n${outcome('undone')}`
  expect((await run([undone])).end).toMatchObject({
    outcome: 'undone',
    error: { message: 'commit of file /etc/motd failed with exit code 1: no space; the undo complained: not so' },
  })
})

test('an undo that failed leaves the host unknown, and says where the saved files are', async () => {
  const bad = `@failed commit 0 1 ${b64('no space')}\n@undo ${b64('could not put back /etc/motd\n')}\n${outcome('undo-failed')}`
  expect((await run([bad])).end).toMatchObject({
    outcome: 'unknown',
    error: {
      message: expect.stringContaining('and the undo failed: could not put back /etc/motd'),
      hint: expect.stringContaining('/var/lib/provision/current/saved'),
    },
  })
})

test('a script that ended without handing over changed nothing, and says with what words', async () => {
  const { end, log } = await run([
    { code: 1, stderr: Buffer.from('mkdir: No space left on device\n') },
    outcome('never'),
  ])
  expect(log).toEqual(['apply by first', 'watch by first'])
  expect(end).toMatchObject({
    outcome: 'rejected',
    error: { message: 'send failed with exit code 1: mkdir: No space left on device' },
  })
})

test('a script that was ended after it had handed over is not taken for a rejection', async () => {
  const { end, log } = await run([{ code: 137 }, waiting], [outcome('confirmed')])
  expect(end.outcome).toBe('changed')
  expect(log).toEqual(['apply by first', 'watch by first', 'confirm by login 1', 'close first'])
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

test('what is no loss of a connection is not hidden', async () => {
  const sudo = new RemoteError('sudo', 'sudo wants a password')
  await expect(run([sudo])).rejects.toBe(sudo)
  await expect(run([waiting], new TypeError('a fault of ours'))).rejects.toThrow('a fault of ours')
})
