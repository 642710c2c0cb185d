import { systemAccounts } from '../../src/resources/index.ts'
import { sh } from '../../src/shell/sh.ts'
import { cases } from './golden.ts'

const account = (name: string) => ({ name, mark: { inventory: 'k7w2m9qd', device: `${name}.lan` } })
const wanted = [account('tunnel-a'), account('tunnel-b')]
const resource = systemAccounts('tunnel-', wanted)
const row = (name: string, id: number, comment = `provision k7w2m9qd ${name}.lan`) =>
  `@account ${name}:${id}:${comment}:/nonexistent:/usr/sbin/nologin\n`
const masked = (...ids: number[]) => ids.map((id) => `@masked user@${id}.service\n`).join('')

cases('system-accounts', {
  converged: { resource, now: row('tunnel-a', 995) + row('tunnel-b', 994) + masked(994, 995) },
  absent: { resource, now: '' },
  'one-comes-and-one-goes': {
    resource: systemAccounts('tunnel-', wanted, { goes: ({ name }) => name === 'tunnel-old' }),
    now:
      row('tunnel-b', 994) +
      row('tunnel-old', 993) +
      row('tunnel-other', 992, 'provision zzzz9999 other') +
      masked(993, 994),
  },
  'what-is-not-to-go-stays': {
    resource,
    now: row('tunnel-a', 995) + row('tunnel-b', 994) + row('tunnel-old', 993) + masked(993, 994, 995),
  },
  'somebody-elses-never-goes': {
    resource: systemAccounts('tunnel-', wanted, { goes: () => true }),
    now: `${row('tunnel-a', 995) + row('tunnel-b', 994)}@account tunnel-cam:1001:,,,:/home/tunnel-cam:/bin/bash\n${masked(994, 995)}`,
  },
  'somebody-elses-of-our-name-refused': {
    resource,
    now: '@account tunnel-a:1001:hand made:/home/tunnel-a:/bin/bash\n',
  },
  'somebody-elses-is-taken-over-on-purpose': {
    resource: systemAccounts('tunnel-', wanted, { adopts: ['tunnel-a'] }),
    now: `@account tunnel-a:1001:hand made:/home/tunnel-a:/bin/bash\n${row('tunnel-b', 994)}${masked(994)}`,
  },
  'of-an-earlier-version-is-marked': {
    resource,
    now: row('tunnel-a', 995, '') + row('tunnel-b', 994) + masked(994, 995),
  },
  'with-a-user-manager': { resource, now: row('tunnel-a', 995) + row('tunnel-b', 994) + masked(994) },
  'shut-by-somebody': {
    resource,
    now: `${row('tunnel-a', 995) + row('tunnel-b', 994) + row('tunnel-c', 993) + masked(993, 994, 995)}@shut tunnel-a locked 20228::\n@shut tunnel-b - 20228:30:1\n@shut tunnel-c locked 20228::\n`,
  },
  'one-is-made-anew': {
    resource: systemAccounts('tunnel-', wanted, { made: sh`systemd-tmpfiles --create` }),
    now: row('tunnel-a', 995) + masked(995),
  },
  'group-of-that-name-refused': {
    resource,
    now: `${row('tunnel-b', 994)}@group tunnel-a 993 \n@group tunnel-b 994 \n`,
  },
  'login-shell-is-gone': {
    resource,
    now: row('tunnel-a', 995).replace('/usr/sbin/nologin', '/bin/gone') + row('tunnel-b', 994) + masked(994, 995),
  },
  'root-refused': { resource, now: '@account tunnel-a:0::/nonexistent:/usr/sbin/nologin\n' },
})
