import { account, noSystemAccount } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const person = account('user002')
const none = noSystemAccount('reverse-tunnel')
const tunnel = account('tunnel', { system: true, shell: '/usr/sbin/nologin' })

cases('account', {
  converged: { resource: tunnel, now: 'tunnel:999:/nonexistent:/usr/sbin/nologin\n' },
  'converged-with-any-shell': { resource: person, now: 'user002:1000:/home/user002:/usr/bin/fish\n' },
  'absent-person': { resource: person, now: '' },
  'absent-system': { resource: tunnel, now: '' },
  'absent-system-default-shell': { resource: account('reverse-tunnel', { system: true }), now: '' },
  'converged-with-our-mark': {
    resource: account('tunnel', { system: true }),
    now: 'tunnel:1001:/var/lib/tunnel:/bin/sh:provision zzzz2222\n',
  },
  'marked-person': { resource: account('user002', { mark: { inventory: 'k7w2m9qd' } }), now: '' },
  'marked-system': { resource: account('tunnel', { system: true, mark: { inventory: 'k7w2m9qd' } }), now: '' },
  'other-shell': { resource: account('user002', { shell: '/bin/sh' }), now: 'user002:1001:/home/user002:/bin/bash\n' },
  'other-shell-of-ours': { resource: tunnel, now: 'tunnel:998:/nonexistent:/bin/sh:provision k7w2m9qd\n' },
  'person-of-that-name-refused': {
    resource: account('reverse-tunnel', { system: true }),
    now: 'reverse-tunnel:1001:/home/reverse-tunnel:/bin/bash:\n',
  },
  'person-of-that-name-taken-over': {
    resource: account('reverse-tunnel', { system: true, mark: { inventory: 'k7w2m9qd' }, adopts: true }),
    now: 'reverse-tunnel:1001:/home/reverse-tunnel:/bin/bash:Bob\n',
  },
  'system-account-of-others-refused': {
    resource: tunnel,
    now: 'tunnel:998:/nonexistent:/bin/bash:reverse tunnels, see the wiki\n',
  },
  'root-refused': { resource: account('toor', { system: true }), now: 'toor:0:/root:/bin/bash\n' },
  'locked-and-expired': {
    resource: tunnel,
    now: 'tunnel:999:/nonexistent:/usr/sbin/nologin:provision k7w2m9qd\n@shut tunnel locked 20228::1\n',
  },
  'shut-with-another-shell': {
    resource: tunnel,
    now: 'tunnel:999:/nonexistent:/bin/sh:provision k7w2m9qd\n@shut tunnel - 0:99999:\n',
  },
  'shut-person-taken-over': {
    resource: account('reverse-tunnel', { system: true, mark: { inventory: 'k7w2m9qd' }, adopts: true }),
    now: 'reverse-tunnel:1001:/home/reverse-tunnel:/bin/bash:Bob\n@shut reverse-tunnel - 20228:99999:21000\n',
  },
  'none-wanted': { resource: none, now: 'reverse-tunnel:998:/nonexistent:/usr/sbin/nologin:provision k7w2m9qd\n' },
  'converged-where-it-is-somebody-elses': {
    resource: none,
    now: 'reverse-tunnel:1001:/home/reverse-tunnel:/bin/bash:Bob\n',
  },
  'none-wanted-converged': { resource: none, now: '' },
  'group-of-that-name-refused': { resource: tunnel, now: '@group tunnel 998 bob\n' },
  'name-with-a-quote': { resource: account("o'neill"), now: '' },
})
