import { expect, test } from 'vitest'
import { sshdSettings } from '../../src/resources/index.ts'
import { cases, nothing, shown } from './golden.ts'
import { observedSshd } from './sshd.ts'

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
const everybody = sshdSettings('00-provision', {
  user: 'root',
  settings: [
    ['PasswordAuthentication', 'no', { always: true }],
    ['Ciphers', 'chacha20-poly1305@openssh.com,aes256-ctr'],
    ['PerSourcePenalties', 'authfail:1 max:30', { since: '9.8', yields: true }],
  ],
})
const ciphers = 'Ciphers chacha20-poly1305@openssh.com,aes256-ctr\n'
const passwords = 'Match all\n    PasswordAuthentication no\n'
const stock = 'crash:90 authfail:5 noauth:1 max:600 min:15 overflow:permissive'
const ours = 'crash:90 authfail:1 noauth:1 max:30 min:15 overflow:permissive'
const late = sshdSettings('x', {
  user: 'root',
  settings: [
    ['PermitTTY', 'no'],
    ['Ciphers', (seen) => seen.of('gw', 'host keys')],
  ],
})
const nobody = sshdSettings('x', { user: 'root', settings: [['PerSourcePenalties', 'max:30', '99.0']] })
const file = (text: string) => `file 644 root root\n${text}`
const together = sshdSettings('00-provision', {
  ...{ user: 'root', mark: { inventory: 'k7w2m9qd' }, shared: true },
  settings: [
    ['PasswordAuthentication', 'no', { always: true }],
    ['MaxStartups', '40:30:100', { yields: true }],
  ],
})
const theirs = (text: string) => file(`# provision zzzz9999\n${text}`)

cases('sshd-settings', {
  'another-inventory-says-the-same': {
    resource: together,
    now: `${version('10.0p2')}valid\nmaxstartups 10:30:100\npasswordauthentication no\n${theirs(passwords)}`,
  },
  'another-inventory-says-otherwise-refused': {
    resource: together,
    now: `${version('10.0p2')}valid\nmaxstartups 10:30:100\npasswordauthentication yes\n${theirs('MaxStartups 9:30:100\n')}`,
  },
  'marked-as-ours': {
    resource: together,
    now: `${version('10.0p2')}valid\nmaxstartups 40:30:100\npasswordauthentication no\n${file(passwords)}`,
  },
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
  'for-everybody-and-without-exception': {
    resource: everybody,
    now: `${version('10.0p2')}valid\nciphers aes128-ctr\npasswordauthentication yes\npersourcepenalties ${stock}\nabsent\n`,
  },
  'for-everybody-converged': {
    resource: everybody,
    now: `${version('10.0p2')}valid\nciphers chacha20-poly1305@openssh.com,aes256-ctr\npasswordauthentication no\npersourcepenalties ${ours}\n${file(`${ciphers}PerSourcePenalties authfail:1 max:30\n${passwords}`)}`,
  },
  'penalties-of-the-administrator-stay': {
    resource: everybody,
    now: `${version('10.0p2')}valid\nciphers aes128-ctr\npasswordauthentication no\npersourcepenalties ${stock}\nelsewhere PerSourcePenalties /etc/ssh/sshd_config\n${file(`${ciphers}${passwords}`)}`,
  },
  'penalties-of-the-administrator-converged': {
    resource: everybody,
    now: `${version('10.0p2')}valid\nciphers chacha20-poly1305@openssh.com,aes256-ctr\npasswordauthentication no\npersourcepenalties ${stock}\nelsewhere persourcepenalties /etc/ssh/sshd_config\n${file(`${ciphers}# PerSourcePenalties stays as /etc/ssh/sshd_config has it.\n${passwords}`)}`,
  },
  'penalties-of-a-file-that-cannot-be-found': {
    resource: everybody,
    now: `${version('10.0p2')}valid\nciphers chacha20-poly1305@openssh.com,aes256-ctr\npasswordauthentication no\npersourcepenalties ${stock}\n${file(`${ciphers}PerSourcePenalties authfail:1 max:30\n${passwords}`)}`,
  },
  'another-word-in-an-old-sshd': {
    resource: sshdSettings('x', {
      user: 'root',
      settings: [
        ['PubkeyAcceptedKeyTypes', 'ssh-ed25519', { before: '8.5' }],
        ['PubkeyAcceptedAlgorithms', 'ssh-ed25519', '8.5'],
        ['PermitTTY', 'no'],
      ],
    }),
    now: `${version('8.4p1')}valid\npubkeyacceptedkeytypes ssh-rsa\nabsent\n`,
  },
  later: { resource: late, now: `${version('10.0p2')}valid\nabsent\n` },
  'no-longer-late': {
    resource: late,
    now: `${version('10.0p2')}valid\nabsent\n`,
    seen: shown({ 'gw host keys': 'x' }),
  },
  'nothing-wanted-converged': { resource: nobody, now: `${version('10.0p2')}valid\nabsent\n` },
  'nothing-wanted-of-what-is-no-openssh': {
    resource: nobody,
    now: 'sh: ssh: not found\nbroken sshd: not found \nabsent\n',
  },
  'nothing-wanted-any-more': { resource: nobody, now: `${version('10.0p2')}valid\n${file('Ciphers aes128-ctr\n')}` },
  'nothing-wanted-and-a-symlink-refused': { resource: nobody, now: `${version('10.0p2')}valid\nother symbolic link\n` },
  'no-sshd-at-all': { resource, now: 'sh: ssh: not found\nbroken sshd: not found \nabsent\n' },
})

test('a file that is as it should be and that sshd has not read is not in force', () => {
  const path = '/etc/ssh/sshd_config.d/00-reverse-tunnel.conf'
  const now = `${version('10.0p2')}valid\n${effective}${file(newContent)}`
  const verdict = (changed: number) =>
    resource.diff(now, {
      ...nothing,
      here: () => observedSshd({ files: { [path]: newContent.trim().split('\n') }, changed: { [path]: changed } }),
    })
  expect(verdict(400)).toBe('converged')
  expect(verdict(700)).toMatchObject({ summary: 'reload sshd, which has not read the file yet' })
})

test.each([
  ['', false],
  ['Include /etc/ssh/extra.d/*.conf', false],
  ['Include /etc/ssh/extra.d/*.conf /etc/ssh/sshd_config.d/*.conf', true],
  ['include "sshd_config.d/*"', true],
  ['Include=/etc/ssh/sshd_config.d/*.conf', true],
  ['Include /etc/ssh/*.d/*.conf', true],
])('an sshd_config with `%s` reads our file: %s', (line, reads) => {
  const here = () => observedSshd({ files: { '/etc/ssh/sshd_config': [line, 'UsePAM yes'] } })
  const verdict = resource.diff(`${version('10.0p2')}valid\n${defaults}absent\n`, { ...nothing, here })
  expect(verdict).toMatchObject(
    reads
      ? { summary: 'write and reload sshd' }
      : { refused: expect.stringMatching(/^its sshd does not read \/etc\/ssh\/sshd_config\.d: /) },
  )
})

test('sshd without words of its own, as when it is broken without a reason, is still refused', () => {
  expect(resource.diff(`${version('10.0p2')}broken \nabsent\n`, nothing)).toMatchObject({ refused: expect.any(String) })
})
