import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, person, picture, type Rehearsal, rehearse } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(picture)
})
afterAll(() => it?.down())

/** Names, contents, owners, modes and times: nothing of it may move while we only look. */
async function fingerprints() {
  const script = `{ find /etc /home /root /usr/local -xdev -type f -exec sha256sum {} +
    find /etc /home /root /usr/local -xdev -printf '%p %M %u %g %T@ %l\\n'; ls -A /var/lib; cat /proc/sys/kernel/random/boot_id
    systemctl show -p ActiveEnterTimestampMonotonic,InvocationID ssh.service; } | sort`
  const looks = [gateway, device].map((name) => it.lab.machine(name).sh(script))
  return (await Promise.all(looks)).map(({ stdout }) => stdout)
}

test('--check shows the plan, with --diff its diffs, exits with 4, and touches nothing', async () => {
  // The first sudo of an account leaves ~/.sudo_as_admin_successful, whoever runs it: that is Debian's sudo.
  for (const name of [gateway, device]) await person(it.lab.machine(name), 'sudo -n true')
  const before = await fingerprints()
  expect(before[0]).toContain('/etc/ssh/sshd_config')
  const { stdout: short, stderr } = await it.provision([it.file, '--check'])
  expect(short).not.toContain('@@')
  expect(short).toMatch(/\n\d+ to add, \d to change, 0 to remove on 2 hosts\nchecked, /)
  // Two screens, also with a device more or two.
  expect(short.split('\n').length).toBeLessThan(40)
  expect(stderr).toMatch(/next: provision apply \S+ does it\n$/)
  const { code, stdout } = await it.provision([it.file, '--check', '--diff'])
  expect(code).toBe(4)
  expect(stdout).toContain(`${gateway}  differs `)
  expect(stdout).toContain('    +Match User tunnel-host-a-')
  expect(stdout).toContain('  + systemd-units reverse-tunnel-*: write reverse-tunnel-ssh-gw.guest.internal.service, ')
  expect(stdout).toMatch(/checked, nothing was touched: 2 differs, [\d.]+ s\n$/)
  const { report } = await it.report([it.file, '--check'])
  expect({ hosts: outcomes(report), forwards: report.forwards }).toEqual({
    hosts: [`${gateway} differs`, `${device} differs`],
    forwards: [],
  })
  expect(await fingerprints()).toEqual(before)
  for (const name of [gateway, device])
    expect((await it.lab.machine(name).sh('ls -d /var/lib/provision')).code, name).not.toBe(0)
})

test('a first run makes the gateway answer as the device', async () => {
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, stderr, forwards: report.forwards.map(({ state }) => state) }).toMatchObject({
    code: 0,
    forwards: ['ok'],
  })
  expect(report.hosts.map(({ outcome }) => outcome)).toEqual(['changed', 'changed'])
})

test('a second run changes nothing: one connection and one exec a host, and one login through each forward', async () => {
  const { code, report } = await it.report([it.file])
  expect(code).toBe(0)
  expect(report.hosts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  expect(report.wire).toEqual({ connections: 3, execs: 3 })
})

test('on a converged fleet --check and verify end with 0 and touch nothing', async () => {
  const before = await fingerprints()
  for (const words of [
    [it.file, '--check'],
    ['verify', it.file],
  ]) {
    const { code, report } = await it.report(words)
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
  }
  expect(await fingerprints()).toEqual(before)
})

test('what was changed by hand is shown by --check, left alone by it, and put right by the next run', async () => {
  const drop = '/etc/ssh/sshd_config.d/00-reverse-tunnel.conf'
  await it.lab.machine(gateway).sh(`sed -i 's/PermitTTY no/PermitTTY yes/' ${drop} && systemctl reload ssh`)
  const check = await it.report([it.file, '--check'])
  expect({ code: check.code, hosts: outcomes(check.report) }).toEqual({
    code: 4,
    hosts: [`${gateway} differs`, `${device} ok`],
  })
  expect(check.report.hosts[0]?.changes[0]?.diff).toContain('-    PermitTTY yes\n+    PermitTTY no\n')
  expect((await it.lab.machine(gateway).sh(`grep -c 'PermitTTY yes' ${drop}`)).stdout).toBe('1\n')
  // A yes on a terminal does it, from the same look; without one, with --yes or in a CI nobody is asked.
  const { code, lines } = await it.typed([it.file], 80, [[/Apply this plan\? \(yes\/no\) $/, 'yes\r']])
  const text = lines.join('\n')
  expect(code, text).toBe(0)
  expect(text).toMatch(/ {2}~ sshd-settings 00-reverse-tunnel: rewrite and reload sshd\n/)
  // The device hears of the spare host key, which no CI makes.
  expect(text).toMatch(new RegExp(`\\n${gateway} +changed .*, 1 change\\n${device} +changed .*, 1 change\\n`))
  expect(text).toMatch(/\nnext: provision ssh-config \S+ --write;\s+then\s+people\s+log\s+in\s+with:\s+ssh\s+host-a/)
})

test('nobody is asked with --yes, nor by an undo with --yes', async () => {
  const drop = '/etc/ssh/sshd_config.d/00-reverse-tunnel.conf'
  await it.lab.machine(gateway).sh(`sed -i 's/PermitTTY no/PermitTTY yes/' ${drop} && systemctl reload ssh`)
  const run = await it.typed([it.file, '--yes'], 80, [])
  expect(run, run.lines.join('\n')).toMatchObject({ code: 0 })
  const no = await it.typed(['undo', it.file], 40, [[/Take this run back\? \(yes\/no\) $/, 'no\r']])
  expect(no.code, no.lines.join('\n')).toBe(4)
  expect(no.lines.join(' ')).toMatch(
    /~ sshd-settings 00-reverse-tunnel:\s+back\s+to what it was\s+\(undo of:\s+rewrite/,
  )
  expect((await it.lab.machine(gateway).sh(`grep -c 'PermitTTY no' ${drop}`)).stdout).toBe('1\n')
  const undone = await it.typed(['undo', it.file, '--yes'], 80, [])
  expect(undone.code, undone.lines.join('\n')).toBe(0)
  expect((await it.lab.machine(gateway).sh(`grep -c 'PermitTTY yes' ${drop}`)).stdout).toBe('1\n')
})
