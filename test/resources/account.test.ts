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
  'other-shell': { resource: tunnel, now: 'tunnel:1001:/home/tunnel:/bin/bash\n' },
  'root-refused': { resource: account('toor', { system: true }), now: 'toor:0:/root:/bin/bash\n' },
  'none-wanted': { resource: none, now: '998\n' },
  'none-wanted-converged': { resource: none, now: '' },
  'name-with-a-quote': { resource: account("o'neill"), now: '' },
})
