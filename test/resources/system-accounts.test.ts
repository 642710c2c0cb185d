import { systemAccounts } from '../../src/resources/index.ts'
import { sh } from '../../src/sh.ts'
import { cases } from './golden.ts'

const resource = systemAccounts('tunnel-', ['tunnel-a', 'tunnel-b'])

cases('system-accounts', {
  converged: {
    resource,
    now: '@account tunnel-a 995\n@account tunnel-b 994\n@masked user@994.service\n@masked user@995.service\n',
  },
  absent: { resource, now: '' },
  'one-comes-and-one-goes': {
    resource,
    now: '@account tunnel-b 994\n@account tunnel-old 993\n@masked user@993.service\n@masked user@994.service\n',
  },
  'with-a-user-manager': { resource, now: '@account tunnel-a 995\n@account tunnel-b 994\n@masked user@994.service\n' },
  'one-is-made-anew': {
    resource: systemAccounts('tunnel-', ['tunnel-a', 'tunnel-b'], { made: sh`systemd-tmpfiles --create` }),
    now: '@account tunnel-a 995\n@masked user@995.service\n',
  },
  'root-refused': { resource, now: '@account tunnel-a 0\n' },
})
