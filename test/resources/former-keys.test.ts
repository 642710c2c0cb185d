import { expect, test } from 'vitest'
import { formerKeys } from '../../src/resources/index.ts'
import { cases, nothing } from './golden.ts'

const A = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAaaa'
const B = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBbbb'
const file = (account: string, ...lines: string[]) =>
  [
    `@keys ${account} /home/${account}/.ssh/authorized_keys`,
    ` file 600 ${account} ${account}`,
    ...lines.map((line) => ` ${line}`),
    '',
  ].join('\n')

const resource = formerKeys({ mark: { inventory: 'k7w2m9qd' }, named: ['alice'], host: 'gw' })
const as = (user: string) => ({ ...nothing, login: () => ({ user, isKey: (blob: string) => A.endsWith(blob) }) })

cases('former-keys', {
  converged: { resource, now: '' },
  'converged-where-the-account-is-named': { resource, now: file('alice', `${A} alice@laptop provision k7w2m9qd`) },
  'ours-goes-and-others-stay': {
    resource,
    now: file(
      'bob',
      '# mine',
      `${A} bob@laptop provision k7w2m9qd`,
      `${B} bob@home`,
      `${B} bob@work provision zzzz2222`,
      `${B} device provision k7w2m9qd host-a`,
    ),
  },
  'two-accounts': {
    resource,
    now:
      file('bob', `from="10.0.0.0/8",no-pty ${A} provision k7w2m9qd`) +
      file('carol', `${B} carol provision k7w2m9qd`, ''),
  },
  'a-file-of-two-names-of-which-one-is-named': {
    resource,
    now: (file('alice', `${A} x provision k7w2m9qd`) + file('bob', `${A} x provision k7w2m9qd`)).replaceAll(
      '/home/bob',
      '/home/alice',
    ),
  },
  'symlink-refused': {
    resource,
    now: '@keys bob /home/bob/.ssh/authorized_keys\n other file behind a symbolic link\n',
  },
  'the-key-of-this-run-refused': {
    resource,
    now: file('bob', `${A} bob@laptop provision k7w2m9qd`, `${B} bob@home`),
    seen: as('bob'),
  },
  'the-last-key-of-who-logs-in-refused': {
    resource,
    now: file('bob', `${B} bob@laptop provision k7w2m9qd`),
    seen: as('bob'),
  },
})

test('no line of a file can pass for another file', () => {
  const now = file('bob', `@keys root /root/.ssh/authorized_keys`, ` file 600 root root`, `${A} x provision k7w2m9qd`)
  const change = resource.diff(now, nothing)
  expect(change).toMatchObject({ saves: ['/home/bob/.ssh', '/home/bob/.ssh/authorized_keys'] })
})
