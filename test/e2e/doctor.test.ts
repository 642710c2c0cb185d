import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import type { DoctorReport, LinkReport } from '../../src/report/doctor.ts'
import { place, type Rehearsal, rehearse, states } from './kit.ts'

/**
 * Links of tunnels are broken one after another, from the far end of the chain to its beginning: the first broken one is
 * what the doctor has to name, so what was broken before stays as it is, and is named again when its predecessor is mended.
 */

// socket: systemd owns the ports; shared: sshd does. The latter's sshd has another port for people than for devices.
const [socket, shared] = ['ssh-gw.guest.internal', 'ssh-gw2.guest.internal']
const [a, b, c, d, e] = ['host-a', 'host-b', 'host-c', 'host-d', 'host-e'].map((name) => `${name}.lan.internal`) as [
  string,
  string,
  string,
  string,
  string,
]
const through = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
const inventory = {
  login: { user: 'user001' },
  gateways: { [socket]: {}, [shared]: { listener: 'sshd', port: 2222, dial: { port: 22 } } },
  devices: {
    [a]: { forwards: [through(socket, 9022)] },
    [b]: { forwards: [through(shared, 9023)] },
    [c]: { forwards: [through(socket, 9024)] },
    [d]: { forwards: [through(socket, 9025)] },
    [e]: { forwards: [through(socket, 9026), through(shared, 9026)] },
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, states: states(report), stderr: code === 0 ? '' : stderr }).toEqual({
    ...{ code: 0, states: Array(6).fill('ok'), stderr: '' },
  })
}, 300_000)
afterAll(() => it?.down())

const machine = (name: string): Machine => it.lab.machine(name)
async function inside(name: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await machine(name).sh(script)
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
  return stdout.trim()
}
const holds = async (name: string, condition: string) => {
  const look = async () => (await machine(name).sh(condition)).code === 0 || undefined
  if (!(await until(look, { timeoutMs: 30_000, everyMs: 100 }))) throw new Error(`${name}: never: ${condition}`)
}

async function doctor(device: string, from?: string) {
  const { code, stdout, stderr } = await it.provision(
    ['doctor', it.file, '--device', device, '--json', '--timeout', '4'],
    {
      ...(from && { from }),
    },
  )
  if (!stdout.startsWith('{')) throw new Error(`exit code ${code}: ${stderr}`)
  return { code, report: JSON.parse(stdout) as DoctorReport }
}
/** The broken link of the tunnel to that gateway. */
async function diagnosis(device: string, gateway?: string, from?: string): Promise<LinkReport & { code: number }> {
  const { code, report } = await doctor(device, from)
  const tunnel = report.tunnels.find((each) => gateway === undefined || each.gateway === gateway)
  const last = tunnel?.links.at(-1)
  if (!last) throw new Error(`no tunnel: ${JSON.stringify(report)}`)
  return { ...last, code }
}
const named = (link: string, says: RegExp | string, mend: RegExp | string) => ({
  code: 1,
  link,
  state: 'broken',
  says: typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says),
  mend: typeof mend === 'string' ? expect.stringContaining(mend) : expect.stringMatching(mend),
})
const unit = (gateway: string) => `reverse-tunnel-${gateway}.service`
const account = (name: string) => inside(socket, `getent passwd | grep -o '^tunnel-${name}[^:]*'`)

test('a healthy tunnel is healthy at every link, with both listeners, and nothing was touched', async () => {
  const before = await inside(a, `systemctl show ${unit(socket)} --property=MainPID,ActiveEnterTimestamp`)
  const [one, two] = await Promise.all([doctor(a), doctor(b)])
  for (const { code, report } of [one, two]) {
    expect(report.tunnels.flatMap(({ links }) => links.filter(({ state }) => state !== 'ok'))).toEqual([])
    expect({ code, exitCode: report.exitCode, via: report.via }).toEqual({ code: 0, exitCode: 0, via: 'direct' })
    expect(report.tunnels[0]?.links).toHaveLength(16)
  }
  expect(await inside(a, `systemctl show ${unit(socket)} --property=MainPID,ActiveEnterTimestamp`)).toBe(before)
  const { code, stdout } = await it.provision(['doctor', it.file, '--device', a])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^✓ ok {8}key +ssh-gw\.guest\.internal lets host-a\.lan\.internal in with SHA256:/m)
  expect(stdout).toMatch(/\nnothing is wrong, \d+\.\d s\n$/)
})

test('wrong words touch nothing', async () => {
  const nobody = await it.provision(['doctor', it.file, '--device', 'nobody'])
  expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('no such host in the inventory: nobody') })
  expect(await it.provision(['doctor', it.file])).toMatchObject({ code: 2 })
})

interface Step {
  readonly what: string
  readonly breaks: () => Promise<unknown>
  readonly link: string
  readonly says: RegExp | string
  readonly mend: RegExp | string
  /** By hand, where the words of `mend` are no whole command. */
  readonly mends?: () => Promise<unknown>
}

/** Down the chain, and up again. */
function course(device: string, gateway: string, steps: readonly Step[]): void {
  test.each(steps)(`${device.split('.')[0]}: $what`, async ({ breaks, link, says, mend }) => {
    await breaks()
    expect(await diagnosis(device, gateway)).toMatchObject(named(link, says, mend))
  })
}

course(a, socket, [
  {
    what: 'its clock is wrong',
    breaks: () =>
      place(machine(a), {
        path: '/usr/local/bin/date',
        text: '#!/bin/sh\nexport LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1 FAKETIME=-20y\nexec /usr/bin/date "$@"\n',
      }).then(() => inside(a, 'chmod 755 /usr/local/bin/date')),
    link: 'clock',
    says: 'the clock of host-a.lan.internal is 20 years behind that of ssh-gw.guest.internal',
    mend: 'on host-a.lan.internal: timedatectl',
  },
  {
    what: 'its unit is stopped',
    breaks: () => inside(a, `systemctl disable --quiet --now ${unit(socket)}`),
    link: 'unit',
    says: /is stopped since .* and disabled$/,
    mend: /^provision \S+ --limit host-a\.lan\.internal$/,
  },
  {
    what: 'a stranger holds its port',
    breaks: async () => {
      await inside(socket, 'systemctl stop reverse-tunnel-127.0.0.1_9022.socket')
      await inside(
        socket,
        'systemd-run --quiet --unit=stranger systemd-socket-activate --listen=127.0.0.1:9022 /bin/cat',
      )
      await holds(socket, `ss -Hltnp 'sport = :9022' | grep -q activate`)
    },
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by a stranger: systemd-socket-?\S*, process \d+ of root, of stranger\.service/,
    mend: 'on ssh-gw.guest.internal: systemctl stop stranger.service',
  },
  {
    what: 'its key file is damaged on the gateway',
    breaks: async () =>
      inside(
        socket,
        `sed -i 's/ssh-ed25519 AAAA..../ssh-ed25519 /' /etc/ssh/reverse-tunnel/keys/${await account('host-a')}`,
      ),
    link: 'key',
    says: 'its line is damaged',
    mend: /^provision \S+ --limit ssh-gw\.guest\.internal --limit host-a\.lan\.internal$/,
  },
  {
    what: 'its account is gone',
    breaks: async () =>
      inside(socket, `pkill -KILL -u ${await account('host-a')}; userdel --force ${await account('host-a')}`),
    link: 'account',
    says: /^ssh-gw\.guest\.internal has no account tunnel-host-a/,
    mend: /^provision \S+ --limit ssh-gw\.guest\.internal --limit host-a\.lan\.internal$/,
  },
  {
    what: 'it trusts another host key of the gateway',
    breaks: () =>
      inside(
        a,
        `sed 's/^\\S* //' /etc/ssh/ssh_host_ed25519_key.pub | sed 's/^/ssh-ed25519 /; s/^/${socket} /' >/etc/reverse-tunnel/known_hosts`,
      ),
    link: 'gateway host key',
    says: 'host-a.lan.internal does not trust the host key that ssh-gw.guest.internal proves',
    mend: /^provision \S+ --limit ssh-gw\.guest\.internal --limit host-a\.lan\.internal$/,
  },
  {
    what: 'a firewall rejects it',
    breaks: () =>
      inside(
        a,
        `nft 'add table inet doctor; add chain inet doctor out { type filter hook output priority 0; }; add rule inet doctor out tcp dport 22 reject with tcp reset'`,
      ),
    link: 'firewall',
    says: 'refuses host-a.lan.internal, and yet ssh-gw.guest.internal listens there',
    mend: 'let host-a.lan.internal connect to ssh-gw.guest.internal port 22/tcp',
  },
  {
    what: 'a firewall drops what it sends',
    breaks: () => inside(a, `nft 'flush chain inet doctor out; add rule inet doctor out tcp dport 22 drop'`),
    link: 'firewall',
    says: 'is silent to host-a.lan.internal',
    mend: 'let host-a.lan.internal connect to ssh-gw.guest.internal port 22/tcp',
  },
  {
    what: 'it has no route',
    breaks: () => inside(a, 'ip route del default'),
    link: 'route',
    says: /has no route to 10\.77\.\S+: Network is unreachable/,
    mend: 'on host-a.lan.internal: ip address; ip route',
  },
  {
    what: 'it finds no name',
    breaks: () => machine(a).forgetNames(),
    link: 'name',
    says: 'host-a.lan.internal finds no address for ssh-gw.guest.internal',
    mend: 'on host-a.lan.internal: getent ahosts',
  },
])

test('host-a: what mends each link does, and the next one is named, up to a tunnel that works', async () => {
  const provision = async (...limit: string[]) => {
    const { code, stdout, stderr } = await it.provision([it.file, ...limit.flatMap((name) => ['--limit', name])])
    return { code, said: `${stdout}${stderr}` }
  }
  await machine(a).learnNames()
  expect((await diagnosis(a)).link).toBe('route')
  await inside(a, 'ip route add default via 10.78.0.1')
  expect((await diagnosis(a)).link).toBe('firewall')
  await inside(a, 'nft delete table inet doctor')
  expect((await diagnosis(a)).link).toBe('gateway host key')
  // Its socket cannot have the port that the stranger holds.
  expect((await provision(socket, a)).said).toContain('reverse-tunnel-127.0.0.1_9022.socket')
  await inside(socket, 'systemctl stop stranger.service')
  expect(await provision(socket, a)).toMatchObject({ code: 0 })
  expect((await diagnosis(a)).link).toBe('clock')
  await inside(a, 'rm /usr/local/bin/date')
  expect((await doctor(a)).report).toMatchObject({ exitCode: 0 })
})
