import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DoctorReport } from '../../src/report/doctor/doctor.ts'
import { outcomes, picture, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

// What is said in the moment of failure: the cause first, in a sentence, and what mends it, which does.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
const { clients: _, ...pair } = picture

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(pair)
}, 300_000)
afterAll(() => it?.down())

const inside = (host: string, script: string) => mustRun(it.lab.machine(host), script)

interface Odd {
  readonly on: typeof gateway | typeof device
  readonly odd: string
  readonly heal: string
  readonly says: RegExp
  readonly hint: RegExp
}

const home = '/home/user001'
/** A host on which nothing may be begun. */
const odd: Readonly<Record<string, Odd>> = {
  'a command in .bashrc reads the script': {
    on: device,
    odd: `printf 'cat >/dev/null\\n' >${home}/.bashrc`,
    heal: `rm ${home}/.bashrc`,
    says: /^the script did not arrive: something that runs at the login of user001 read it$/,
    hint: /~\/\.bashrc/,
  },
  'a command in .bashrc reads the beginning of the script': {
    on: device,
    odd: `printf 'head -c 100 >/dev/null\\n' >${home}/.bashrc`,
    heal: `rm ${home}/.bashrc`,
    says: /^the script did not arrive: something that runs at the login of user001 read it$/,
    hint: /~\/\.bashrc/,
  },
  'sudo allows other commands': {
    on: device,
    odd: `cp /etc/sudoers.d/lab /root/lab; echo 'user001 ALL=(ALL) NOPASSWD: /usr/bin/systemctl' >/etc/sudoers.d/lab
      gpasswd -d user001 sudo >/dev/null 2>&1 || :`,
    heal: 'mv /root/lab /etc/sudoers.d/lab',
    says: /^sudo lets user001 run some commands there, but not sh, which runs everything that provision does as root$/,
    hint: /in sudoers\), or log in as another account$/,
  },
  'a group has the name of an account': {
    on: device,
    odd: 'groupadd reverse-tunnel',
    heal: 'groupdel reverse-tunnel',
    says: /: a group reverse-tunnel exists already \(group id \d+\), and no account of that name$/,
    hint: /`groupdel reverse-tunnel`/,
  },
  'there is no ssh to dial with': {
    on: device,
    odd: 'mv /usr/bin/ssh /usr/bin/ssh-keygen /root',
    heal: 'mv /root/ssh /root/ssh-keygen /usr/bin',
    says: /: this host has no \/usr\/bin\/ssh and no ssh-keygen$/,
    hint: /apt-get install openssh-client/,
  },
  'sshd_config has no Include': {
    on: gateway,
    odd: "sed -i.odd 's/^Include/#Include/' /etc/ssh/sshd_config; systemctl reload ssh",
    heal: 'mv /etc/ssh/sshd_config.odd /etc/ssh/sshd_config; systemctl reload ssh',
    says: /: its sshd does not read \/etc\/ssh\/sshd_config\.d: \/etc\/ssh\/sshd_config has no Include line for it$/,
    hint: /^put `Include \/etc\/ssh\/sshd_config\.d\/\*\.conf` at the top/,
  },
}

describe('before anything is changed', () => {
  test.each(Object.keys(odd))(
    '%s',
    async (name) => {
      const { on, odd: makes, heal, says, hint } = odd[name] as Odd
      await inside(on, makes)
      const { report, code } = await it.report([it.file, '--check'])
      await inside(on, heal)
      const host = report.hosts.find((one) => one.name === on)
      expect(host?.error?.message, JSON.stringify(host)).toMatch(says)
      expect(host?.error?.hint).toMatch(hint)
      expect(code).not.toBe(0)
    },
    60_000,
  )
})

test('every legal spelling of Include is read as sshd reads it', async () => {
  const spelling = (line: string) =>
    `sed -i.odd 's#^Include.*#${line}#' /etc/ssh/sshd_config; sshd -t; systemctl reload ssh`
  await inside(gateway, `mkdir -p /etc/ssh/extra.d; ${spelling('include  "extra.d/*.conf" sshd_config.d/*')}`)
  await inside(device, spelling('Include="/etc/ssh/sshd_config.d/*.conf"'))
  const { report, code, stderr } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }, stderr).toEqual({
    ...{ code: 0, hosts: [`${gateway} changed`, `${device} changed`] },
  })
}, 120_000)

interface Fault {
  readonly on: typeof gateway | typeof device
  readonly breaks: string
  readonly link: string
  readonly says: RegExp
  readonly mend: RegExp
  /** What the mend says, done. */
  readonly mends: string
}

const unit = `reverse-tunnel-${gateway}.service`
const taken = 'reverse-tunnel-127.0.0.1_9022.socket'
const lan = '/etc/ssh/sshd_config.d/20-lan.conf'
const proxy = '$s = IO::Socket::INET->new(LocalAddr => "0.0.0.0:9022", Listen => 5, ReuseAddr => 1) or die; sleep 1000'
const faults: Readonly<Record<string, Fault>> = {
  'nobody may log in through the tunnel': {
    on: device,
    breaks: "echo 'AllowUsers user001@10.*' >/etc/ssh/sshd_config.d/10-h.conf; systemctl reload ssh",
    link: 'login',
    says: /^the tunnel works, but there was no login: the login as user001 was refused.*; AllowUsers user001@10\.\* \(\/etc\/ssh\/sshd_config\.d\/10-h\.conf line 1\)$/,
    mend: /^on host-a\.lan\.internal: allow the login as user001 from 127\.0\.0\.1 and ::1, /,
    mends:
      "echo 'AllowUsers user001@127.0.0.1 user001@::1 user001@10.*' >/etc/ssh/sshd_config.d/10-h.conf; systemctl reload ssh",
  },
  'sshd listens on the address of the LAN alone': {
    on: device,
    breaks: `echo "ListenAddress $(hostname -I | cut -d ' ' -f 1)" >${lan}; systemctl restart ssh`,
    link: 'device sshd',
    says: /^localhost:22 on host-a\.lan\.internal, where the forward ends: nothing listens there, for its sshd listens on 10\.78\.\S+:22 alone$/,
    mend: /or on host-a\.lan\.internal: give its sshd_config `ListenAddress 127\.0\.0\.1`, too, and systemctl restart ssh$/,
    mends: `echo 'ListenAddress 127.0.0.1' >>${lan}; systemctl restart ssh`,
  },
  'a container publishes the port': {
    on: gateway,
    breaks: `cp "$(command -v perl)" /usr/local/bin/docker-proxy; systemctl stop ${taken}
      systemd-run --quiet --unit=docker /usr/local/bin/docker-proxy -MIO::Socket::INET -e '${proxy.replaceAll('$', '$$$$')}'
      for i in $(seq 50); do ss -Hltn 'sport = :9022' | grep -q 9022 && exit; sleep 0.1; done; exit 1`,
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by another program: docker-proxy, process \d+ of root/,
    mend: /^on ssh-gw\.guest\.internal: `docker ps` \(or podman\) shows the container that publishes that port: publish it on another one; then provision /,
    mends: `systemctl stop docker; systemctl start ${taken}`,
  },
}

describe('a tunnel that was up: verify and doctor name one link, and its mend mends', () => {
  test.each(Object.keys(faults))(
    '%s',
    async (name) => {
      const { on, breaks, link, says, mend, mends } = faults[name] as Fault
      await inside(on, breaks)
      const [run, doctor] = [await it.report(['verify', it.file]), await diagnosis()]
      await inside(on, mends)
      const last = doctor.report.tunnels[0]?.links.at(-1)
      expect(last).toMatchObject({ link, state: 'broken', says: expect.stringMatching(says), mendedBy: 'hand' })
      expect(last?.mend).toMatch(mend)
      expect({ verify: run.code === 0, doctor: doctor.code }).toEqual({ verify: false, doctor: 1 })
      const [forward] = run.report.forwards
      expect(forward?.error?.message.split('\n').at(-1)).toMatch(new RegExp(`^broken link: ${link}: `))
      expect(forward?.error?.hint).toMatch(mend)
      const after = await it.report(['verify', it.file, '--wait', '20', '--only', 'forwards'])
      expect(states(after.report)).toEqual(['ok'])
      expect((await diagnosis()).report.exitCode).toBe(0)
    },
    120_000,
  )

  test('programs that are missing are no finding', async () => {
    await Promise.all(
      [gateway, device].map((host) => inside(host, 'mkdir /root/b; mv $(command -v ss ip timeout getent) /root/b')),
    )
    const { report, code } = await diagnosis()
    await Promise.all([gateway, device].map((host) => inside(host, 'mv /root/b/* /usr/bin; rmdir /root/b')))
    expect(report.tunnels[0]?.links.filter(({ state }) => state === 'broken')).toEqual([])
    expect(code).toBe(0)
  }, 60_000)

  test('a unit that systemd has not read again is read again, and the tunnel stays', async () => {
    const runs = () => inside(device, `systemctl show --value -p InvocationID ${unit}`)
    const before = await runs()
    await inside(device, `sleep 1; touch /etc/systemd/system/${unit}`)
    expect(outcomes((await it.report(['verify', it.file])).report)).toContain(`${device} differs`)
    expect((await it.report([it.file])).code).toBe(0)
    expect(await inside(device, `systemctl show --value -p NeedDaemonReload ${unit}`)).toBe('no\n')
    expect((await it.provision(['undo', it.file])).code).toBe(0)
    expect(await runs()).toBe(before)
  }, 60_000)
})

async function diagnosis(): Promise<{ code: number; report: DoctorReport }> {
  const { code, stdout, stderr } = await it.provision(['doctor', it.file, '--device', device, '--json'])
  if (!stdout.startsWith('{')) throw new Error(`exit code ${code}: ${stderr}`)
  return { code, report: JSON.parse(stdout) as DoctorReport }
}
