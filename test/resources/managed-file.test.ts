import { expect, test } from 'vitest'
import { managedFile } from '../../src/resources/index.ts'
import { folders } from '../../src/resources/managed-file.ts'
import { cases, nothing, shown } from './golden.ts'

const motd = managedFile('/etc/motd.d/site', { content: 'welcome\n' })
const late = managedFile('/etc/peer', { content: (seen) => seen.of('gw', 'host keys') })

cases('managed-file', {
  converged: { resource: motd, now: 'file 644 root root\nwelcome\n' },
  absent: { resource: motd, now: 'absent\n' },
  changed: { resource: motd, now: 'file 644 root root\ngo away\n' },
  'other-owner': { resource: motd, now: 'file 644 user001 root\nwelcome\n' },
  'other-mode': {
    resource: managedFile('/etc/secret.conf', { content: 'a', mode: '640', group: 'adm' }),
    now: 'file 644 root root\na',
  },
  'symlink-refused': { resource: motd, now: 'other symbolic link\n' },
  'folder-refused': { resource: motd, now: 'other directory\n' },
  'unreadable-refused': { resource: motd, now: '' },
  'empty-wanted': { resource: managedFile('/etc/empty', { content: '' }), now: 'absent\n' },
  'quotes-and-no-line-end': {
    resource: managedFile("/etc/it's", { content: `it's $HOME "\`\\n` }),
    now: 'file 644 root root\n$(reboot)\n',
  },
  later: { resource: late, now: 'absent\n' },
  'no-longer-late': { resource: late, now: 'absent\n', seen: shown({ 'gw host keys': 'ssh-ed25519 AAAA\n' }) },
})

test('a content with a NUL is an error of the playbook, not a half written file', () => {
  expect(() => managedFile('/etc/x', { content: 'a\0b' }).diff('absent\n', nothing)).toThrow(RangeError)
})

test('the folders above a path come outermost first, so that undo takes them away innermost first', () => {
  expect(folders('/etc/reverse-tunnel/keys/id')).toEqual(['/etc', '/etc/reverse-tunnel', '/etc/reverse-tunnel/keys'])
  expect(folders('/motd')).toEqual([])
})
