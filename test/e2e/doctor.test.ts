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
const [a, b] = ['host-a.lan.internal', 'host-b.lan.internal']
const through = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
const inventory = {
  login: { user: 'user001' },
  gateways: { [socket]: {}, [shared]: { listener: 'sshd', port: 2222, dial: { port: 22 } } },
  devices: {
    [a]: { forwards: [through(socket, 9022)] },
    [b]: { forwards: [through(socket, 9023), through(shared, 9023)] },
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  const { code, report, stderr } = await it.report([it.file])
  expect({ code, states: states(report), stderr: code === 0 ? '' : stderr }).toEqual({
    ...{ code: 0, states: ['ok', 'ok', 'ok'], stderr: '' },
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
}

/** Sits on a port as soon as that is free, and closes whatever comes. */
async function stranger(name: string, port: number): Promise<void> {
  const listen = `$socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1:${port}", Listen => 5, ReuseAddr => 1) or die`
  const script = `${listen}; while ($caller = $socket->accept) { close $caller }`
  await inside(
    name,
    `systemd-run --quiet --unit=stranger --property=Restart=always perl -MIO::Socket::INET -e '${script.replaceAll('$', '$$$$')}'`,
  )
  await holds(name, `ss -Hltnp 'sport = :${port}' | grep -q perl`)
}
/** What the doctor told to run. */
async function mended(...limit: string[]): Promise<void> {
  const { code, stdout, stderr } = await it.provision([it.file, ...limit.flatMap((name) => ['--limit', name])])
  expect({ code, said: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, said: '' })
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
        text: `#!/bin/sh\nexport LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME=-20y\nexec /usr/bin/date "$@"\n`,
      }).then(() => inside(a, 'chmod 755 /usr/local/bin/date')),
    link: 'clock',
    says: 'the clock of host-a.lan.internal is 20 years behind that of ssh-gw.guest.internal',
    mend: 'on host-a.lan.internal: timedatectl',
  },
  {
    what: 'its unit is stopped',
    breaks: () => inside(a, `systemctl disable --quiet --now ${unit(socket)}`),
    link: 'unit',
    says: / is stopped and disabled for \d+ s \(since \S+Z\)$/,
    mend: /^provision \S+ --limit host-a\.lan\.internal$/,
  },
  {
    what: 'its unit is masked',
    breaks: () => inside(a, `rm /etc/systemd/system/${unit(socket)}; systemctl mask --quiet ${unit(socket)}`),
    link: 'unit',
    says: / is masked$/,
    mend: /^on host-a\.lan\.internal: systemctl unmask \S+; then provision \S+ --limit host-a\.lan\.internal$/,
  },
  {
    what: 'a stranger holds its port',
    breaks: async () => {
      await inside(socket, 'systemctl stop reverse-tunnel-127.0.0.1_9022.socket')
      await stranger(socket, 9022)
    },
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on ssh-gw\.guest\.internal is held by a stranger: perl, process \d+ of root, of stranger\.service/,
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
        `nft 'add table inet doctor; add chain inet doctor out { type filter hook output priority 0; }; add rule inet doctor out oif != lo tcp dport 22 reject with tcp reset'`,
      ),
    link: 'firewall',
    says: 'refuses host-a.lan.internal, and yet ssh-gw.guest.internal listens there',
    mend: 'let host-a.lan.internal connect to ssh-gw.guest.internal port 22/tcp',
  },
  {
    what: 'a firewall drops what it sends',
    breaks: () => inside(a, `nft 'flush chain inet doctor out; add rule inet doctor out oif != lo tcp dport 22 drop'`),
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
  // What a gateway hears of a device that does not trust it.
  const left = String.raw`sshd-session\[[0-9]*\]: Connection closed by 10\.77\.0\.1 port [0-9]* \[preauth\]`
  expect(await inside(socket, `journalctl -q | grep -c '${left}'`)).toMatch(/^[1-9]/)
  await machine(a).learnNames()
  expect((await diagnosis(a)).link).toBe('route')
  await inside(a, 'ip route add default via 10.78.0.1')
  expect((await diagnosis(a)).link).toBe('firewall')
  await inside(a, 'nft delete table inet doctor')
  expect((await diagnosis(a)).link).toBe('gateway host key')
  await inside(socket, 'systemctl stop stranger.service')
  await inside(a, `systemctl unmask --quiet ${unit(socket)}`)
  await mended(socket, a)
  expect((await diagnosis(a)).link).toBe('clock')
  await inside(a, 'rm /usr/local/bin/date')
  expect((await doctor(a)).report).toMatchObject({ exitCode: 0 })
})

course(b, shared, [
  {
    what: 'its unit does not come up',
    breaks: async () => {
      await inside(b, `sed -i 's/ExitOnForwardFailure=yes/Nonsense=yes/' /etc/systemd/system/${unit(shared)}`)
      await inside(b, `systemctl daemon-reload; systemctl restart ${unit(shared)} || :`)
    },
    link: 'unit',
    says: /does not come up, it is (activating|deactivating|failed) .*: its ssh does not know one of its options \(".*Bad configuration option: nonsense"\)/,
    mend: 'on host-b.lan.internal: journalctl -u reverse-tunnel-ssh-gw2.guest.internal.service',
  },
  {
    what: 'a stranger holds its port',
    breaks: () => stranger(shared, 9023),
    link: 'listener',
    says: /^127\.0\.0\.1:9023 on ssh-gw2\.guest\.internal is held by a stranger: perl, process \d+ of root, of stranger\.service/,
    mend: 'on ssh-gw2.guest.internal: systemctl stop stranger.service',
  },
  {
    what: 'another key stands in its line',
    breaks: () =>
      inside(
        shared,
        `ssh-keygen -q -t ed25519 -N '' -f /root/other; sed -i "s#ssh-ed25519 [^ ]*#$(cut -d ' ' -f 1,2 /root/other.pub)#" /etc/ssh/reverse-tunnel/authorized_keys`,
      ),
    link: 'key',
    says: '/etc/ssh/reverse-tunnel/authorized_keys on ssh-gw2.guest.internal has another key than host-b.lan.internal: SHA256:',
    mend: /^provision \S+ --limit ssh-gw2\.guest\.internal --limit host-b\.lan\.internal$/,
  },
  {
    what: 'everybody may write the key file',
    breaks: () => inside(shared, 'chmod 666 /etc/ssh/reverse-tunnel/authorized_keys'),
    link: 'key',
    says: 'others than root may write /etc/ssh/reverse-tunnel/authorized_keys (mode 666)',
    mend: 'chmod 644 /etc/ssh/reverse-tunnel/authorized_keys',
  },
  {
    what: 'its account has expired',
    breaks: () => inside(shared, 'chage -E 1 tunnel'),
    link: 'account',
    says: 'the account tunnel has expired on 1970-01-02',
    mend: 'on ssh-gw2.guest.internal: chage -E -1 tunnel',
  },
  {
    what: 'sshd does not listen where devices dial',
    breaks: () => inside(shared, `sed -i '/^Port 22$/d' /etc/ssh/sshd_config.d/lab.conf; systemctl restart ssh`),
    link: 'gateway sshd',
    says: 'nothing listens on port 22 of ssh-gw2.guest.internal',
    mend: 'systemctl restart ssh',
  },
])

test('host-b: what mends each link does, and the next one is named, up to a tunnel that works', async () => {
  await inside(shared, `echo 'Port 22' >>/etc/ssh/sshd_config.d/lab.conf; systemctl restart ssh`)
  expect((await diagnosis(b, shared)).link).toBe('account')
  await inside(shared, 'chage -E -1 tunnel')
  expect((await diagnosis(b, shared)).link).toBe('key')
  await inside(shared, 'systemctl stop stranger.service')
  await mended(shared, b)
  expect((await doctor(b)).report).toMatchObject({ exitCode: 0 })
})

// From the guest network nobody calls a device: it is reached through its forward on the other gateway, if it has one.
const keptOut = `/etc/ssh/sshd_config.d/00-a.conf`
test('host-b: too many logins are under way from its network', async () => {
  await inside(shared, `echo 'PerSourceMaxStartups 1' >${keptOut}; systemctl restart ssh`)
  const dial = `$socket = IO::Socket::INET->new("${shared}:22") or die; <$socket>; sleep 100`
  await inside(b, `systemd-run --quiet --unit=hold perl -MIO::Socket::INET -e '${dial.replaceAll('$', '$$$$')}'`)
  await holds(b, `ss -Htnp state established 'dport = :22' | grep -q perl`)
  const found = await diagnosis(b, shared, 'guest')
  await inside(b, 'systemctl stop hold')
  expect(found).toMatchObject(
    named('penalties', /too many logins under way from 10\.77\.0\.1 .*\(MaxStartups/, 'MaxStartups'),
  )
})

test('host-b: the address that it comes from is kept out, because of a neighbour', async () => {
  await inside(shared, `echo 'PerSourcePenalties authfail:90s min:15s' >${keptOut}; systemctl restart ssh`)
  const knock = `ssh -F none -p 22 -i /root/wrong -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null user001@${shared}`
  await inside(a, `ssh-keygen -q -t ed25519 -N '' -f /root/wrong; ! ${knock} 2>/dev/null`)
  const found = await diagnosis(b, shared, 'guest')
  await inside(shared, `rm ${keptOut}; systemctl restart ssh`)
  expect(found).toMatchObject(
    named(
      'penalties',
      /listens to nobody from 10\.77\.0\.1 .*failed authentication.*: refused were \d as user001/,
      'provision',
    ),
  )
})

test('host-a: nobody can log in to it, and its gateway hears a key that it refuses', async () => {
  const name = await account('host-a')
  const other = `$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)`
  const file = `/etc/ssh/reverse-tunnel/keys/${name}`
  await inside(socket, `cp ${file} /root/; sed -i "s#ssh-ed25519 [^ ]*#${other}#" ${file}; pkill -KILL -u ${name}`)
  await holds(socket, `[ "$(journalctl -q -t sshd-session | grep -c 'authenticating user ${name}')" -gt 1 ]`)
  const found = await diagnosis(a, socket, 'guest')
  await inside(socket, `cp /root/${name} ${file}`)
  await holds(a, `systemctl is-active --quiet ${unit(socket)}`)
  expect(found).toMatchObject(
    named(
      'key',
      /^ssh-gw\.guest\.internal refuses the key that host-a\.lan\.internal offers \((once|\d+ times) in the last minute\)/,
      'where host-a.lan.internal can be reached: provision',
    ),
  )
})

const check = unit(socket).replace('.service', '-check.service')
test('host-a: its ssh is frozen, and nobody watches it', async () => {
  await inside(a, `systemctl stop ${check}; systemctl kill --signal=STOP ${unit(socket)}`)
  expect(await diagnosis(a)).toMatchObject(
    named('unit', `it is frozen; and ${check}, which would kill it, is inactive`, `systemctl start ${check}`),
  )
  await inside(a, `systemctl kill --signal=KILL ${unit(socket)}; systemctl start ${check}`)
})

test('host-a: its host key files are empty, and then others: what mends it does', async () => {
  await holds(a, `systemctl is-active --quiet ${unit(socket)}`)
  await inside(a, 'for key in /etc/ssh/ssh_host_*_key; do : >$key; done')
  const empty = await diagnosis(a)
  expect(empty).toMatchObject(
    named('device sshd', /ssh_host_\w+_key of host-a\.lan\.internal are empty/, 'ssh-keygen -A'),
  )
  const [, command = '', words = ''] = /^on \S+: (.*); then provision (.*)$/.exec(empty.mend ?? '') ?? []
  await inside(a, command)
  const changed = 'host-a.lan.internal proved another host key than the one pinned'
  const accepted = / --accept-new-host-key host-a\.lan\.internal$/
  expect(await diagnosis(a)).toMatchObject(named('host key', changed, accepted))
  expect(await it.provision(words.split(' '))).toMatchObject({ code: 0 })
  expect((await doctor(a)).code).toBe(0)
})

test('host-a: its sshd is stopped, its tunnel stands', async () => {
  await inside(a, 'systemctl stop ssh')
  expect(await diagnosis(a)).toMatchObject(
    named(
      'device sshd',
      'the tunnel stands, and the sshd of host-a.lan.internal behind it does not answer',
      'on host-a.lan.internal: systemctl status ssh',
    ),
  )
  await inside(a, 'systemctl start ssh')
})

test('host-a: its power is cut, and the gateway tells what it knows', async () => {
  await machine(a).kill()
  const { report, code } = await doctor(a)
  const links = report.tunnels[0]?.links ?? []
  expect({ code, ...links.at(-1) }).toMatchObject(
    named(
      'forward',
      /is stale: host-a\.lan\.internal cannot be asked; its last session began \d+ \w+ ago \(\S+Z\) from 10\.77\.0\.1 and stands as far as sshd knows/,
      'somebody beside host-a.lan.internal: has it power',
    ),
  )
  expect(links.filter(({ state }) => state === 'unseen').map(({ link }) => link)).toEqual(
    expect.arrayContaining(['device', 'gateway host key', 'unit', 'clock', 'device sshd', 'host key']),
  )
})

test('a gateway that cannot be asked is the first link', async () => {
  await inside(shared, 'systemctl stop ssh')
  const found = await diagnosis(b, shared)
  expect(found).toMatchObject({ code: 3, link: 'gateway', state: 'broken' })
  expect(found.says).toMatch(
    /cannot be asked: ssh-gw2\.guest\.internal port 2222: connection refused: nothing listens there; host-b\.lan\.internal does not come in either: .*Connection refused/,
  )
})
