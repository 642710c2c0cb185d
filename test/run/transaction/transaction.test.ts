import { expect, test } from 'vitest'
import type { Transaction } from '../../../src/run/transaction/script.ts'
import { b64, failed, outcome, resource, run, runOf, seen, waiting, wanted } from './host.ts'

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
  expect(log.slice(-2)).toEqual(['abandon by first', 'close first'])
})

test.each([
  ['still differs', 'old', 'after the change file /etc/motd is still not as wanted: rewrite'],
  ['cannot be told', 'later', 'after the change file /etc/motd is still not as wanted: it cannot be told'],
])('what %s after the change is given up without a login', async (_, now, why) => {
  const answers = [`${seen(now)}@outcome waiting\n`, failed('confirm', `${why}\n`, 'undone')]
  const { end, log, scripts } = await run(answers, [])
  expect(scripts.at(-1)).toContain(`'${why}'`)
  expect(end).toMatchObject({ outcome: 'undone', error: { message: expect.stringContaining(why) } })
  expect(log).toEqual(['apply by first', 'abandon by first', 'close first'])
})

test('a resource that showed nothing after the change is not taken for converged', async () => {
  const { end, log } = await run([outcome('waiting'), failed('confirm', 'x', 'undone')], [])
  expect([end.outcome, log]).toEqual(['undone', ['apply by first', 'abandon by first', 'close first']])
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
  expect((await run([undone], [])).end).toMatchObject({
    outcome: 'undone',
    error: { message: 'commit of file /etc/motd failed with exit code 1: no space; the undo complained: not so' },
  })
})

test('an undo that failed says what is not as before, and what to do at the console', async () => {
  const bad = [
    `@failed commit 0 1 ${b64('no space')}`,
    `@undo ${b64('could not put back /etc/motd\n')}`,
    `@left ${b64('file /etc/motd\nsystemd-units reverse-tunnel-*\n')}`,
    outcome('undo-failed'),
  ]
  const { end, log } = await run([bad.join('\n')])
  expect(end).toMatchObject({
    outcome: 'undo-failed',
    error: {
      message: [
        'commit of file /etc/motd failed with exit code 1: no space; and it could not be undone',
        'not as before: file /etc/motd, systemd-units reverse-tunnel-*',
        'the undo complained: could not put back /etc/motd',
      ].join('\n'),
      hint: expect.stringMatching(
        /^at its console `sudo sh \S+\/current\/guard.sh undo` .*\/current\/saved.*guard.sh accept` .*next boot and with the next run/,
      ),
    },
  })
  expect(log).toEqual(['apply by first'])
})

test('a host that an earlier undo has left so takes no change, and says whose it was', async () => {
  const stuck = `@failed earlier 0 1 ${b64('user002 on host002\n')}\n@left ${b64('file /etc/motd\n')}\n${outcome('undo-failed')}`
  const { end } = await run([stuck])
  expect(end).toMatchObject({
    outcome: 'undo-failed',
    error: {
      message:
        'nothing was changed here: an earlier change of user002 on host002 could not be undone\nnot as before: file /etc/motd',
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
