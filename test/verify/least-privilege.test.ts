import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RemoteError } from '../../src/errors.ts'
import type { LeastPrivilege } from '../../src/resources/resource.ts'
import type { Session } from '../../src/ssh/session/session.ts'
import { attemptsScript, tryPrivileges } from '../../src/verify/least-privilege.ts'

const key: LeastPrivilege = {
  ...{
    on: 'gw',
    address: '192.0.2.1',
    port: 22,
    account: 'tunnel-pi',
    identityFile: '/etc/key',
    knownHosts: '/etc/hosts',
  },
  attempts: [
    { name: 'shell', kind: 'shell', words: 'a shell', refusedBy: ['MaxSessions', 'ForceCommand'] },
    { name: 'tmp', kind: 'listen', where: '/tmp', words: 'a socket in /tmp', refusedBy: ['ChrootDirectory'] },
  ],
}
const elsewhere: string[] = []
const trying = (stdout: string, stderr = '') => ({
  ...{ host: 'pi', privileges: [key], token: 't-1' },
  session: {
    exec: async () => ({ code: 0, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) }),
  } as never as Session,
  elsewhere: async (host: string, script: string) => void elsewhere.push(`${host}: ${script}`),
})
const rows = async (stdout: string, stderr = '') =>
  (await tryPrivileges(trying(stdout, stderr))).map(({ state, what, error }) =>
    [state, what, error?.message].filter(Boolean).join(': '),
  )

test('holds is only what was refused, and what worked names what should have refused it', async () => {
  expect(await rows('@login 0\n@attempt 0.0 refused\n@attempt 0.1 refused\n')).toEqual([
    'holds: gw refuses its key a shell',
    'holds: gw refuses its key a socket in /tmp',
  ])
  const [, tmp] = await tryPrivileges(trying('@login 0\n@attempt 0.0 refused\n@attempt 0.1 works sshd listened\n'))
  expect(tmp).toMatchObject({
    state: 'fails',
    error: {
      message: 'sshd listened',
      hint: expect.stringContaining('gw should have refused this by ChrootDirectory;'),
    },
  })
})

test('a socket that was made is taken away on the gateway, and nothing else is done there', async () => {
  elsewhere.length = 0
  await rows('@login 0\n@attempt 0.0 works a shell ran\n@attempt 0.1 refused\n')
  expect(elsewhere).toEqual([])
  await rows('@login 0\n@attempt 0.1 works sshd listened\n')
  expect(elsewhere).toEqual([expect.stringMatching(/^gw: [\s\S]*rm -f -- \/tmp\/provision-t-1\n/)])
})

test('without a login nothing holds: that the key was refused is a failure of its own', async () => {
  expect(await rows('@login 0 tunnel-pi@192.0.2.1: Permission denied (publickey).\n')).toEqual([
    'fails: gw accepts its key, so that the attempts can be made: tunnel-pi@192.0.2.1: Permission denied (publickey).',
    'untried: gw refuses its key a shell: tunnel-pi@192.0.2.1: Permission denied (publickey).',
    'untried: gw refuses its key a socket in /tmp: tunnel-pi@192.0.2.1: Permission denied (publickey).',
  ])
  expect((await rows('', 'mktemp: no space left\n'))[0]).toContain('fails: gw accepts its key')
})

test('an attempt that came to no end has proved nothing', async () => {
  expect(await rows('@login 0\n@attempt 0.0 untried no answer within 5 s\n')).toEqual([
    'untried: gw refuses its key a shell: no answer within 5 s',
    'untried: gw refuses its key a socket in /tmp: it was not tried',
  ])
})

test('a host that cannot be asked has proved nothing', async () => {
  const lost = {
    exec: async () => Promise.reject(new RemoteError('lost', 'the connection was lost')),
  } as never as Session
  const states = async (session: Session | undefined) =>
    (await tryPrivileges({ ...trying(''), session })).map(({ state, error }) => `${state}: ${error?.message}`)
  expect(await states(undefined)).toEqual(Array(2).fill('untried: the host could not be asked'))
  expect(await states(lost)).toEqual(Array(2).fill('untried: the connection was lost'))
})

test('the words of an inventory are words in the script', () => {
  const script = attemptsScript([{ ...key, on: 'gw; reboot' }], 't')
  expect(script).toContain(
    "( attempts 0 'gw; reboot' 192.0.2.1 22 tunnel-pi /etc/key /etc/hosts t 0.0 shell - 0.1 listen /tmp ) &",
  )
})

test('it is shell that dash and shellcheck have nothing against', () => {
  const folder = mkdtempSync(join(tmpdir(), 'attempts-'))
  const path = join(folder, 'attempts.sh')
  writeFileSync(path, attemptsScript([key, { ...key, on: "o'gw" }], 't'))
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  // SC2317, SC2329: functions that are called by a name put together. SC2030, SC2031: each key has a subshell of its own.
  const excluded = 'SC2317,SC2329,SC2030,SC2031,SC2016'
  expect(spawnSync('shellcheck', ['-s', 'sh', '-e', excluded, path]).stdout.toString()).toBe('')
  rmSync(folder, { recursive: true })
})
