import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { type Rehearsal, rehearse } from './kit.ts'

/** Forty devices behind one address dial their gateway in the same moment, and nobody has logged in yet. */

const [gateway, site] = ['ssh-gw.guest.internal', 'site.lan.internal']
const hardening = join(import.meta.dirname, '../../playbooks/hardening.ts')
const count = 40

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse({ login: { user: 'user001' }, gateways: { [gateway]: {} }, devices: { [site]: {} } })
}, 300_000)
afterAll(() => it?.down())

/** How many of them sshd speaks to, while all of them hold on; and whether a login works beside them. */
async function herd(): Promise<{ heard: number; login: number }> {
  const call = `
use IO::Socket::INET;
my @all = map { IO::Socket::INET->new("${gateway}:22") // () } 1..${count};
my ($heard, $until) = (0, time + 5);
while (@all && time < $until) {
  my $bits = ""; vec($bits, fileno $_, 1) = 1 for @all;
  select $bits, undef, undef, 1;
  for (grep { vec $bits, fileno $_, 1 } @all) { sysread $_, my $said, 99; $heard++ if $said =~ /^SSH-2/; push @held, $_ }
  @all = grep { my $one = $_; !grep { $_ == $one } @held } @all;
}
open my $told, ">", "/run/heard"; close $told; print "$heard\n"; sleep 4;`
  const on = it.lab.machine(site)
  await on.sh('rm -f /run/heard')
  const holding = on.sh(`perl -e '${call}'`)
  const holdOn = async () => (await on.sh('test -e /run/heard')).code === 0 || undefined
  expect(await until(holdOn, { timeoutMs: 20_000, everyMs: 100 })).toBe(true)
  const login = await it.lab.run(['ssh', '-o', 'BatchMode=yes', gateway, 'true'], { timeoutMs: 10_000 })
  const { code, stdout, stderr } = await holding
  if (code !== 0) throw new Error(stderr)
  return { heard: Number(stdout), login: login.code }
}

test('a stock sshd hangs up on some of them', async () => {
  const { heard } = await herd()
  expect(heard).toBeGreaterThan(8)
  expect(heard).toBeLessThan(count)
})

test('one that was sized from the inventory hears them all, and people beside them', async () => {
  // It keeps out, for a while, an address that so many came from who never logged in: the site's, and ours behind the same NAT.
  await it.lab.machine(gateway).sh('systemctl restart ssh')
  const forwards = (port: number) => ({ forwards: [`127.0.0.1:${port}:localhost:22`] })
  const devices = Array.from({ length: count }, (_, at) => [`device-${at}.lan.internal`, forwards(9100 + at)])
  await it.rewrite({
    login: { user: 'user001' },
    gateways: { [gateway]: {} },
    devices: { [site]: {}, ...Object.fromEntries(devices) },
  })
  const { code, report } = await it.report([it.file, '--playbook', hardening, '--limit', gateway])
  expect({ code, changes: report.hosts[0]?.changes.map(({ summary }) => summary) }).toMatchObject({ code: 0 })
  expect(await herd()).toEqual({ heard: count, login: 0 })
  // The forty that hung up without a login were no attack.
  expect(await herd()).toEqual({ heard: count, login: 0 })
})
