import { absent } from '../../src/resources/index.ts'
import { sh } from '../../src/shell/sh.ts'
import { cases } from './golden.ts'

const resource = absent('/etc/ssh/reverse-tunnel')

cases('absent', {
  converged: { resource, now: '' },
  'a-file': { resource: absent('/etc/motd'), now: 'f /etc/motd\n' },
  'a-link': { resource: absent('/etc/motd'), now: 'l /etc/motd\n' },
  'a-folder': {
    resource,
    now: 'd /etc/ssh/reverse-tunnel\nf /etc/ssh/reverse-tunnel/authorized_keys\nd /etc/ssh/reverse-tunnel/keys\nf /etc/ssh/reverse-tunnel/keys/tunnel-a b\n',
  },
  'a-folder-with-a-file-of-others': {
    resource: absent('/etc/reverse-tunnel', { owns: (path) => !path.endsWith('notes.txt') }),
    now: 'd /etc/reverse-tunnel\nf /etc/reverse-tunnel/check\nd /etc/reverse-tunnel/done\nf /etc/reverse-tunnel/notes.txt\n',
  },
  'only-a-file-of-others-is-left': {
    resource: absent('/etc/reverse-tunnel', { owns: (path) => !path.endsWith('notes.txt') }),
    now: 'd /etc/reverse-tunnel\nf /etc/reverse-tunnel/notes.txt\n',
  },
  'an-empty-folder': { resource, now: 'd /etc/ssh/reverse-tunnel\n' },
  'a-socket-refused': { resource, now: 'd /etc/ssh/reverse-tunnel\ns /etc/ssh/reverse-tunnel/x\n' },
  'with-what-makes-it-live': {
    resource: absent('/etc/tmpfiles.d/x.conf', { activate: sh`rm -rf /run/x`, undo: sh`systemd-tmpfiles --create` }),
    now: 'f /etc/tmpfiles.d/x.conf\n',
  },
})
