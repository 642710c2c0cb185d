import { expect, test } from 'vitest'
import { sshdSettings } from '../../src/resources/index.ts'
import { cases, nothing } from './golden.ts'

const resource = sshdSettings('00-reverse-tunnel', {
  match: 'User tunnel',
  user: 'tunnel',
  settings: [
    ['AllowTcpForwarding', 'remote'],
    ['PermitTTY', 'no'],
    ['UnusedConnectionTimeout', 'none', '9.2'],
  ],
})
const content = `Match User tunnel
    AllowTcpForwarding remote
    PermitTTY no
`
const newContent = `${content}    UnusedConnectionTimeout none\n`
const version = (word: string) => `OpenSSH_${word}, OpenSSL 3.5.1 1 Jul 2026\n`
const effective = 'allowtcpforwarding remote\npermittty no\nunusedconnectiontimeout none\n'
const defaults = 'allowtcpforwarding yes\npermittty yes\nunusedconnectiontimeout none\n'
const file = (text: string) => `file 644 root root\n${text}`

cases('sshd-settings', {
  converged: { resource, now: `${version('10.0p2 Debian-7')}valid\n${effective}${file(newContent)}` },
  absent: { resource, now: `${version('10.0p2 Debian-7')}valid\n${defaults}absent\n` },
  changed: { resource, now: `${version('9.6p1')}valid\n${defaults}${file('Match User tunnel\n')}` },
  'old-sshd-is-not-told-what-it-does-not-know': {
    resource,
    now: `${version('8.4p1 Debian-5+deb11u3')}valid\nallowtcpforwarding yes\npermittty yes\nabsent\n`,
  },
  'old-sshd-converged': {
    resource,
    now: `${version('9.1p1')}valid\nallowtcpforwarding remote\npermittty no\n${file(content)}`,
  },
  'a-foreign-drop-in-wins': {
    resource,
    now: `${version('10.0p2')}valid\nallowtcpforwarding no\npermittty no\nunusedconnectiontimeout none\n${file(newContent)}`,
  },
  'broken-before-refused': {
    resource,
    now: `${version('10.0p2')}broken /etc/ssh/sshd_config.d/50-x.conf line 1: Bad configuration option: Foo \nabsent\n`,
  },
  'symlink-refused': { resource, now: `${version('10.0p2')}valid\n${defaults}other symbolic link\n` },
  'other-mode': { resource, now: `${version('10.0p2')}valid\n${effective}file 600 root root\n${newContent}` },
  'no-sshd-at-all': { resource, now: 'sh: ssh: not found\nbroken sshd: not found \nabsent\n' },
})

test('sshd without words of its own, as when it is broken without a reason, is still refused', () => {
  expect(resource.diff(`${version('10.0p2')}broken \nabsent\n`, nothing)).toMatchObject({ refused: expect.any(String) })
})
