import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { local } from '../../src/lab/local.ts'
import type { Report } from '../../src/report/report.ts'
import { devicesCalled, prepare } from './hold.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { history, stateOf } from './state-of.ts'

const playbook = new URL('playbooks/bad-days.ts', import.meta.url).pathname
const dropIns = '/etc/ssh/sshd_config.d'

/** The place of the undo on a small disk of its own; not plain memory, which a run refuses. */
const small = (size: string) => `
  mkdir -p /var/lib/provision /mnt/small && mount -t tmpfs -o size=${size} tmpfs /mnt/small && mkdir /mnt/small/u /mnt/small/w
  mount -t overlay -o lowerdir=/var/lib/provision,upperdir=/mnt/small/u,workdir=/mnt/small/w overlay /var/lib/provision`

/** What has gone wrong before we come, by the name of the host; and how it is mended. */
const days: Readonly<Record<string, { readonly before?: string; readonly heal?: string }>> = {
  'broken-sshd': { before: `echo 'Port twenty' >${dropIns}/50-theirs.conf`, heal: `rm ${dropIns}/50-theirs.conf` },
  foreign: {
    before: `printf 'Match User newcomer\n  PermitTTY yes\n' >${dropIns}/00-aaa.conf; systemctl reload ssh`,
    heal: `rm ${dropIns}/00-aaa.conf; systemctl reload ssh`,
  },
  'no-include': {
    before: `sed -i '/^Include/d' /etc/ssh/sshd_config; systemctl reload ssh`,
    heal: `sed -i '1i Include ${dropIns}/*.conf' /etc/ssh/sshd_config; systemctl reload ssh`,
  },
  'full-send': {
    before: small('4k'),
    heal: 'umount /var/lib/provision',
  },
  'full-stage': {
    before: small('512k'),
    heal: 'umount /var/lib/provision; : >/run/healed',
  },
  'full-commit': {
    before: 'mkdir /etc/e2e-full && mount -t tmpfs -o size=4k tmpfs /etc/e2e-full',
    heal: 'umount /etc/e2e-full',
  },
  'full-undo': { heal: 'rm -f /etc/e2e-hog; : >/run/healed' },
  'read-only': {
    before: 'mount --bind /etc/systemd/system /etc/systemd/system && mount -o remount,bind,ro /etc/systemd/system',
    heal: 'umount /etc/systemd/system',
  },
  escapes: { heal: ': >/run/healed' },
  // Its clock has jumped back by years: all that it did before is younger than now.
  clock: {
    before: `for n in 1 2 3 4; do mkdir -p /var/lib/provision/history/old$n-0; echo confirmed >/var/lib/provision/history/old$n-0/outcome
      touch -d 2038-01-0$n /var/lib/provision/history/old$n-0; done`,
  },
  hung: {
    before: 'kill -STOP $(systemctl show --property=MainPID --value ssh.service)',
    heal: 'kill -CONT $(systemctl show --property=MainPID --value ssh.service)',
  },
  'refused-key': {},
  fine: {},
}
const names = Object.keys(days)

let it: Rehearsal
let old: Map<string, string[]>
let report: Report
let json: string
const machine = (name: string) => it.lab.machine(name)
const told = (name: string) => {
  const host = report.hosts.find((each) => each.name === name)
  return host?.error ? `${host.outcome}: ${host.error.message}` : host?.outcome
}
const apply = ['--playbook', playbook]

beforeAll(async () => {
  const inventory = devicesCalled(names)
  it = await rehearse(inventory)
  const stranger = join(it.folder, 'stranger')
  await local(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', stranger])
  await it.rewrite({
    ...inventory,
    devices: { ...inventory.devices, 'refused-key': { login: { identityFile: stranger } } },
  })
  await Promise.all(
    names.map(async (name) => {
      await prepare(machine(name))
      const { code, stderr } = await machine(name).sh(days[name]?.before ?? ':')
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
    }),
  )
  old = new Map(await Promise.all(names.map(async (name) => [name, await stateOf(machine(name))] as const)))
  const ran = await it.report([it.file, ...apply])
  report = ran.report
  json = ran.stdout
}, 240_000)
afterAll(() => it?.down())

test.each([
  [
    'broken-sshd',
    'its sshd configuration was broken before we came',
    /^rejected: .*sshd's configuration is broken already: .*50-theirs.conf line 1: Badly formatted port number/,
  ],
  [
    'foreign',
    "somebody else's drop-in wins over ours",
    /^rejected: [\s\S]*\/etc\/ssh\/sshd_config.d\/00-aaa.conf:2: +PermitTTY yes/,
  ],
  ['no-include', 'sshd does not read drop-ins', /^rejected: [\s\S]*\/etc\/ssh\/sshd_config has no Include line/],
  ['full-send', 'there is no room for the change', /^rejected: send failed/],
  ['full-stage', 'the disk fills while it stages', /^rejected: stage of a bad day .*no space left/],
  ['full-commit', 'the disk fills while files are put in their places', /^undone: commit .*No space left on device/],
  ['full-undo', 'there is no room left when it has to be undone', /^undone: commit of a bad day .*no space left/],
  [
    'read-only',
    'the place for units cannot be written to',
    /^rejected: preparing for a power cut failed .*Read-only file system/,
  ],
  ['escapes', 'a host sends words that would control a terminal', /^rejected: validate of a bad day /],
  ['hung', 'its sshd hangs', /^unreachable: the port accepts the connection, but the host sends nothing for 10 s/],
  ['refused-key', 'it refuses our key', /^unreachable: the login as user001 was refused/],
])('%s: %s', async (name, _, why) => {
  expect(told(name)).toMatch(why)
  await machine(name).sh('rm -f /etc/e2e-hog')
  expect(await stateOf(machine(name))).toEqual(old.get(name))
})

test('the others are changed all the same, and the exit code tells that some could not be reached', () => {
  expect([told('fine'), told('clock'), report.exitCode]).toEqual(['changed', 'changed', 3])
})

test('a host whose clock jumped back keeps what its last change replaced', async () => {
  const { stdout } = await machine('clock').sh('ls /var/lib/provision/history')
  expect(stdout).toMatch(/^20\d{12}-/)
  // Nothing else asks for the time of day: the wait goes by what has passed since boot.
  expect((await history(machine('clock'))).length).toBe(3)
})

test('nothing that a host sends controls the terminal', async () => {
  const { stdout, stderr } = await it.provision([it.file, ...apply, '--verbose', '--limit', 'escapes'])
  for (const text of [stdout, stderr, json]) expect(text).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/)
  expect(stdout + stderr).toContain('plain')
})

test('a refused key is offered once: sshd makes the whole network wait for every further try', async () => {
  const { stdout } = await machine('refused-key').sh('journalctl --no-pager -o cat')
  const ends = stdout
    .split('\n')
    .filter((line) => /^(Connection|Disconnected) .*authenticating user user001/.test(line))
  expect(ends, stdout).toHaveLength(1)
})

test('once all that is mended, the next run changes every host, and the one after that finds nothing to do', async () => {
  await it.rewrite(devicesCalled(names))
  for (const name of names) await machine(name).sh(days[name]?.heal ?? ':')
  const { report: next } = await it.report([it.file, ...apply])
  expect(next.hosts.filter(({ error }) => error)).toEqual([])
  expect(next.exitCode).toBe(0)
  const { report: last } = await it.report([it.file, ...apply])
  expect(new Set(last.hosts.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
})
