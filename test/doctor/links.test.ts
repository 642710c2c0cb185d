import { describe, expect, test } from 'vitest'
import { walk } from '../../src/doctor/links.ts'
import { fingerprintOf } from '../../src/pins.ts'
import {
  account,
  attempt,
  type Chain,
  caseOf,
  deviceKey,
  gatewayKey,
  healthy,
  now,
  onTheRoof,
  otherKey,
  shown,
  units,
} from './chain.ts'

const trusted = fingerprintOf(`ssh-ed25519 ${gatewayKey}`)
const judged = (chain: Chain) => walk(caseOf(chain))
const refused = attempt(trusted, 'tunnel-dev@gw: Permission denied (publickey).')
const noConnection = (why: string) => `OpenSSH_10.0p2\nssh: connect to host gw port 22: ${why}\n`
const log = (ago: number, text: string) => `${now - ago}.5 gw sshd-session[9]: ${text}\n`
const journal = (...texts: string[]) => texts.map((text) => `${now - 3}.5 dev ssh[9]: ${text}\n`).join('')

test.each(['socket', 'sshd'] as const)('a tunnel that works is ok at every link, with listener %s', (listener) => {
  const links = judged(healthy(listener))
  expect(links.filter(({ state }) => state !== 'ok')).toEqual([])
  expect(links.map(({ link }) => link)).toMatchInlineSnapshot(`
    [
      "gateway",
      "device",
      "name",
      "route",
      "firewall",
      "gateway sshd",
      "penalties",
      "gateway host key",
      "account",
      "key",
      "listener",
      "unit",
      "clock",
      "device sshd",
      "host key",
      "forward",
    ]
  `)
})

interface Broken {
  readonly when: string
  readonly with: (chain: Chain) => unknown
  readonly link: string
  readonly says: RegExp
  readonly mend: RegExp
  readonly listener?: 'sshd'
}

const onDevice: readonly Broken[] = [
  {
    when: 'its name server is gone',
    with: ({ device }) => device.set('resolve', ''),
    link: 'name',
    says: /^dev finds no address for gw$/,
    mend: /^on dev: getent ahosts gw/,
  },
  {
    when: 'its own hosts file says that the gateway is itself',
    with: ({ device }) => device.set('resolve', '127.0.1.1 STREAM gw\n'),
    link: 'name',
    says: /gw is 127\.0\.1\.1, which is itself/,
    mend: /\/etc\/hosts/,
  },
  {
    when: 'it has no default route',
    with: ({ device }) =>
      device
        .set('routes', '10.0.0.1 RTNETLINK answers: Network is unreachable\n')
        .set('try', noConnection('Network is unreachable')),
    link: 'route',
    says: /^dev has no route to 10\.0\.0\.1: Network is unreachable$/,
    mend: /^on dev: ip address; ip route/,
  },
  {
    when: 'what it sends is dropped',
    with: ({ device }) => device.set('try', noConnection('Connection timed out')),
    link: 'firewall',
    says: /is silent to dev: a firewall/,
    mend: /let dev connect to gw port 22\/tcp/,
  },
  {
    when: 'what it sends is rejected, although sshd listens',
    with: ({ device }) => device.set('try', noConnection('Connection refused')),
    link: 'firewall',
    says: /refuses dev, and yet gw listens there/,
    mend: /let dev connect/,
  },
  {
    when: 'its ssh was killed while it waited',
    with: ({ device }) => device.set('try', 'OpenSSH_10.0p2\ndebug1: Connecting to gw [10.0.0.1] port 22.\n'),
    link: 'firewall',
    says: /is silent to dev/,
    mend: /let dev connect/,
  },
  {
    when: 'it has no ssh',
    with: ({ device }) => device.set('try', 'timeout: failed to run command ssh: No such file or directory\n'),
    link: 'firewall',
    says: /^dev comes to no connection: timeout: failed to run command/,
    mend: /^on dev: ssh -v gw$/,
  },
  {
    when: 'a router says no',
    with: ({ device }) => device.set('try', noConnection('No route to host')),
    link: 'firewall',
    says: /says no: .*No route to host/,
    mend: /let dev connect/,
  },
  {
    when: 'it trusts another host key of the gateway',
    with: ({ device }) =>
      device.set('trusted', `ssh-ed25519 ${otherKey}\n`).set('try', attempt(trusted, 'Host key verification failed.')),
    link: 'gateway host key',
    says: /^dev does not trust the host key that gw proves, SHA256/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'somebody else answers at the address of the gateway',
    with: ({ device }) => device.set('try', attempt(shown.other, 'Host key verification failed.')),
    link: 'gateway host key',
    says: /^at gw somebody else answers dev: shown is SHA256:other/,
    mend: /Do not make dev trust it/,
  },
  {
    when: 'its own key file is empty',
    with: ({ device }) => device.set('key', '600 root 0\nLoad key "/etc/t/key": error in libcrypto\n'),
    link: 'key',
    says: /^the key of dev, \/etc\/t\/key, cannot be read: Load key/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'its unit was stopped',
    with: ({ device }) => device.set('unit', units({ ActiveState: 'inactive', UnitFileState: 'disabled' })),
    link: 'unit',
    says: /^t.service is stopped and disabled$/,
    mend: /^provision inv.json --limit dev$/,
  },
  {
    when: 'its unit is masked',
    with: ({ device }) => device.set('unit', units({ LoadState: 'masked', ActiveState: 'inactive' })),
    link: 'unit',
    says: /^t.service is masked$/,
    mend: /^on dev: systemctl unmask t.service; then provision/,
  },
  {
    when: 'its unit is not there',
    with: ({ device }) => device.set('unit', units({ LoadState: 'not-found', ActiveState: 'inactive' })),
    link: 'unit',
    says: /has no unit t.service/,
    mend: /^provision/,
  },
  {
    when: 'its unit runs, and would not after a boot',
    with: ({ device }) => device.set('unit', units({ UnitFileState: 'disabled' })),
    link: 'unit',
    says: /runs but is disabled/,
    mend: /^provision/,
  },
  {
    when: 'its ssh is frozen and nobody watches it',
    with: ({ device }) => device.set('alive', '').set('check', units({ ActiveState: 'inactive' })),
    link: 'unit',
    says: /it is frozen; and t-check.service, which would kill it, is inactive/,
    mend: /^on dev: systemctl kill/,
  },
  {
    when: 'autossh runs, and its ssh is refused',
    with: (chain) => {
      chain.supervisor = 'autossh'
      chain.device.set('alive', '').set('journal', journal('Permission denied (publickey).'))
    },
    link: 'unit',
    says: /^t.service runs, and no ssh of it has a tunnel: the gateway refuses its key \("Permission denied/,
    mend: /^on dev: journalctl -u t.service/,
  },
  {
    when: 'its unit fails at its forward',
    with: ({ device }) =>
      device
        .set('unit', units({ ActiveState: 'activating', SubState: 'auto-restart' }))
        .set('journal', journal('Warning: something', 'Error: remote port forwarding failed for listen path /s/x')),
    link: 'unit',
    says: /does not come up, it is activating \(auto-restart\): the gateway does not let it make its unix socket.*\("Error: remote/,
    mend: /^on dev: journalctl -u t.service/,
  },
  {
    when: 'its clock is years behind',
    with: ({ device }) => device.set('now', String(now - 20 * 31_536_000)),
    link: 'clock',
    says: /^the clock of dev is 20 years behind that of gw$/,
    mend: /^on dev: timedatectl/,
  },
  {
    when: 'its clock is ahead, and asks no time server',
    with: ({ device }) => device.set('now', String(now + 1000)).set('clock', 'NTP=no\n'),
    link: 'clock',
    says: /17 min ahead of that of gw/,
    mend: /set-ntp true/,
  },
  {
    when: 'the configuration of its sshd is broken',
    with: ({ device }) =>
      device.set('sshd-test', '/etc/ssh/sshd_config.d/x.conf line 1: Badly formatted port number.\n'),
    link: 'device sshd',
    says: /would not start again: .*Badly formatted port number/,
    mend: /sshd -t/,
  },
  {
    when: 'its host key files are empty',
    with: ({ device }) =>
      device
        .set('host-keys', '0 /etc/ssh/ssh_host_ed25519_key\n')
        .set('sshd-test', 'sshd: no hostkeys available -- exiting.'),
    link: 'device sshd',
    says: /^\/etc\/ssh\/ssh_host_ed25519_key of dev is empty/,
    mend: /^on dev: rm .*ssh-keygen -A.*--accept-new-host-key dev$/,
  },
  {
    when: 'nothing listens where its forward ends',
    with: ({ device }) => device.set('target-22', "connect (`localhost'): Connection refused\n"),
    link: 'device sshd',
    says: /^localhost:22 on dev, where the forward ends: nothing listens there$/,
    mend: /systemctl start ssh/,
  },
  {
    when: 'another sshd answers through the forward',
    with: (chain) => {
      chain.forward = { state: 'wrong-device', error: { message: 'dev proved another host key', hint: 'ss -ltnp' } }
    },
    link: 'host key',
    says: /^dev proved another host key$/,
    mend: /^ss -ltnp$/,
  },
  {
    when: 'nothing is wrong but the forward itself',
    with: (chain) => {
      chain.forward = { state: 'stale', error: { message: 'nobody speaks', hint: 'wait' } }
    },
    link: 'forward',
    says: /^127\.0\.0\.1:9022 on gw is stale: nobody speaks$/,
    mend: /^wait$/,
  },
]

const onGateway: readonly Broken[] = [
  {
    when: 'its sshd does not listen where devices dial',
    with: ({ gateway, device }) => {
      gateway.set('dial', '')
      device.set('try', noConnection('Connection refused'))
    },
    link: 'gateway sshd',
    says: /^nothing listens on port 22 of gw$/,
    mend: /^on gw: systemctl restart ssh; sshd -T/,
  },
  {
    when: 'the configuration of its sshd is broken',
    with: ({ gateway }) => gateway.set('test', 'x.conf: line 1: Bad configuration option: Foo\n'),
    link: 'gateway sshd',
    says: /would not start again: .*Bad configuration option/,
    mend: /sshd -t/,
  },
  {
    when: 'another program sits on its port',
    with: ({ gateway, device }) => {
      gateway.set(
        'dial',
        'LISTEN 0 5 0.0.0.0:22 0.0.0.0:* users:(("nginx",pid=7,fd=3))\nprocess 7 nginx.service www nginx\n',
      )
      device.set(
        'try',
        'debug1: Connection established.\nkex_exchange_identification: banner line contains invalid characters\n',
      )
    },
    link: 'gateway sshd',
    says: /held by nginx, process 7, which is no sshd/,
    mend: /^on gw: systemctl status 7$/,
  },
  {
    when: 'its sshd takes connections and says nothing',
    with: ({ device }) =>
      device.set('try', 'debug1: Connection established.\nConnection timed out during banner exchange\n'),
    link: 'gateway sshd',
    says: /does not greet it as an sshd does: Connection timed out during banner exchange/,
    mend: /systemctl restart ssh/,
  },
  {
    when: 'it keeps the address of the device out',
    with: ({ gateway, device }) => {
      device.set(
        'try',
        'debug1: Connection established.\ndebug1: kex_exchange_identification: banner line 0: Not allowed at this time\nkex_exchange_identification: Connection closed by remote host\n',
      )
      gateway.set(
        'log',
        log(20, 'Connection closed by authenticating user tunnel-other 10.0.0.9 port 5 [preauth]') +
          log(1, 'drop connection #0 from [10.0.0.9]:5 on [10.0.0.1]:22 penalty: failed authentication'),
      )
    },
    link: 'penalties',
    says: /listens to nobody from 10\.0\.0\.9 for a while, because of failed authentication \(PerSourcePenalties\): refused were 1 as tunnel-other$/,
    mend: /provision inv.json --limit gw$/,
  },
  {
    when: 'too many log in at once',
    with: ({ device }) =>
      device.set(
        'try',
        'debug1: Connection established.\ndebug1: kex_exchange_identification: banner line 0: Exceeded MaxStartups\n',
      ),
    link: 'penalties',
    says: /too many logins under way from 10\.0\.0\.9 .*\(MaxStartups/,
    mend: /raise MaxStartups/,
  },
  {
    when: 'a host key file of it is empty',
    with: ({ gateway }) =>
      gateway.set('host-keys', '0 /etc/ssh/a\n0 /etc/ssh/b\n').set('test', 'sshd: no hostkeys available -- exiting.'),
    link: 'gateway host key',
    says: /^\/etc\/ssh\/a, \/etc\/ssh\/b of gw are empty/,
    mend: /--accept-new-host-key gw$/,
  },
  {
    when: 'the account is gone',
    with: ({ gateway }) => gateway.set('account', ''),
    link: 'account',
    says: /^gw has no account tunnel-dev$/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'the account has expired',
    with: ({ gateway }) => gateway.set('account', `${account}:x:990:\nexpires 1\n`),
    link: 'account',
    says: /has expired on 1970-01-02$/,
    mend: /^on gw: chage -E -1 tunnel-dev$/,
  },
  {
    when: 'the account is locked and sshd does without PAM',
    with: ({ gateway }) =>
      gateway
        .set('account', `${account}:x:990:\nlocked\nexpires \n`)
        .set('settings', 'usepam no\nauthorizedkeysfile /keys/%u\n'),
    link: 'account',
    says: /is locked/,
    mend: /usermod -p/,
  },
  {
    when: 'its login shell is not there',
    with: ({ gateway }) => gateway.set('account', `${account}:x:990:\nexpires \nno shell\n`),
    link: 'account',
    says: /login shell of tunnel-dev is not there/,
    mend: /usermod -s/,
  },
  {
    when: 'sshd looks for keys in another place',
    with: ({ gateway }) => gateway.set('settings', 'authorizedkeysfile .ssh/authorized_keys\n'),
    link: 'account',
    says: /takes the keys of tunnel-dev from \.ssh\/authorized_keys/,
    mend: /^provision inv.json --limit gw$/,
  },
  {
    when: 'the folder of the account is gone',
    with: ({ gateway }) => gateway.set('jail', `absent /run/t/${account}\nabsent /run/t/${account}/s\n`),
    link: 'account',
    says: /the folder \/run\/t\/tunnel-dev of tunnel-dev is gone/,
    mend: /systemd-tmpfiles --create \/etc\/tmpfiles.d\/t.conf/,
  },
  {
    when: 'AllowUsers leaves the account out',
    with: ({ gateway, device }) => {
      device.set('try', refused)
      gateway.set('log', log(2, `User ${account} from 10.0.0.9 not allowed because not listed in AllowUsers`))
    },
    link: 'account',
    says: /not listed in AllowUsers/,
    mend: /\(allow\|deny\)/,
  },
  {
    when: 'the key file is gone',
    with: ({ gateway }) =>
      gateway.set('rights', '755 root directory /keys\nabsent /keys/tunnel-dev\n').set('lines', ''),
    link: 'key',
    says: /^gw has no file \/keys\/tunnel-dev$/,
    mend: /^provision inv.json --limit gw --limit dev$/,
  },
  {
    when: 'the key line is damaged',
    with: ({ gateway }) => gateway.set('lines', 'restrict ssh-ed25519 AAAA dev\n').set('fingerprints', ''),
    link: 'key',
    says: /has no whole key of dev: its line is damaged$/,
    mend: /^provision/,
  },
  {
    when: 'another key stands there',
    with: ({ gateway }) =>
      gateway.set('lines', `restrict ssh-ed25519 ${otherKey} dev\n`).set('fingerprints', 'SHA256:o'),
    link: 'key',
    says: /has another key than dev: SHA256:o there, SHA256:\S+ on the device$/,
    mend: /^provision/,
  },
  {
    when: 'everybody may write the key file',
    with: ({ gateway }) => gateway.set('rights', '755 root directory /keys\n666 root regular file /keys/tunnel-dev\n'),
    link: 'key',
    says: /others than root may write \/keys\/tunnel-dev \(mode 666\)/,
    mend: /chmod 644/,
  },
  {
    when: 'sshd cannot read the key file as the account',
    with: ({ gateway }) => gateway.set('rights', '755 root directory /keys\n600 root regular file /keys/tunnel-dev\n'),
    link: 'key',
    says: /only root may read/,
    mend: /chmod 644/,
  },
  {
    when: 'its line lets it listen on another port',
    listener: 'sshd',
    with: ({ gateway }) => gateway.set('lines', `restrict,permitlisten="127.0.0.1:1" ssh-ed25519 ${deviceKey} dev\n`),
    link: 'key',
    says: /does not let it listen on port 9022$/,
    mend: /^provision/,
  },
  {
    when: 'the key is refused although all looks right',
    with: ({ device }) => device.set('try', refused),
    link: 'key',
    says: /^gw refuses the key of dev: tunnel-dev@gw: Permission denied/,
    mend: /^provision/,
  },
  {
    when: 'a stranger holds the port',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 5 127.0.0.1:9022 0.0.0.0:* users:(("python3",pid=77,fd=3))\nprocess 77 web.service www python3 -m http.server 9022\n',
      ),
    link: 'listener',
    says: /^127\.0\.0\.1:9022 on gw is held by a stranger: python3, process 77 of www, of web.service \(python3 -m http.server 9022\)$/,
    mend: /^on gw: systemctl stop web.service; then t-9022.socket takes the port by itself/,
  },
  {
    when: 'a stranger holds the port, and its socket unit was stopped',
    with: ({ gateway }) =>
      gateway
        .set('port-9022', 'LISTEN 0 5 127.0.0.1:9022 0.0.0.0:* users:(("nc",pid=77,fd=3))\nprocess 77 - root nc\n')
        .set('socket-9022', units({ ActiveState: 'inactive' })),
    link: 'listener',
    says: /held by a stranger: nc, process 77 of root/,
    mend: /^on gw: kill 77; then provision inv.json --limit gw$/,
  },
  {
    when: 'somebody keeps a tunnel of their own on the port',
    listener: 'sshd',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 128 127.0.0.1:9022 0.0.0.0:* users:(("sshd-session",pid=77,fd=9))\nprocess 77 session-3.scope joe sshd-session: joe\n',
      ),
    link: 'listener',
    says: /held by a stranger: sshd-session, process 77 of joe/,
    mend: /^on gw: kill 77; then the tunnel takes it/,
  },
  {
    when: 'a stranger holds the port of every address',
    listener: 'sshd',
    with: ({ gateway }) =>
      gateway.set(
        'port-9022',
        'LISTEN 0 5 *:9022 *:* users:(("nc",pid=77,fd=3))\nprocess 77 session-4.scope joe nc -l 9022\n',
      ),
    link: 'listener',
    says: /held by a stranger: nc, process 77 of joe \(nc -l 9022\)$/,
    mend: /^on gw: kill 77; then the tunnel takes it by itself/,
  },
  {
    when: 'its socket unit is stopped',
    with: ({ gateway }) =>
      gateway.set('port-9022', '').set('socket-9022', units({ ActiveState: 'failed', Result: 'resources' })),
    link: 'listener',
    says: /^nobody holds 127\.0\.0\.1:9022 on gw: t-9022.socket is failed \(resources\)$/,
    mend: /^provision inv.json --limit gw$/,
  },
  {
    when: 'its socket unit is masked',
    with: ({ gateway }) =>
      gateway.set('port-9022', '').set('socket-9022', units({ LoadState: 'masked', ActiveState: 'inactive' })),
    link: 'listener',
    says: /t-9022.socket on gw is masked/,
    mend: /unmask t-9022.socket/,
  },
  {
    when: 'what leads from the port to the tunnel has failed',
    with: ({ gateway }) =>
      gateway.set('proxy-9022', units({ Id: 't-9022.service', ActiveState: 'failed', Result: 'exit-code' })),
    link: 'listener',
    says: /has failed: t-9022.service \(exit-code\)/,
    mend: /reset-failed/,
  },
  {
    when: 'a dead session still holds the port',
    listener: 'sshd',
    with: ({ device }) => device.set('unit', units({ ActiveState: 'activating' })),
    link: 'listener',
    says: /still held by a session of sshd whose device is gone, process 300$/,
    mend: /kill 300/,
  },
]

describe.each([
  { who: 'the device', all: onDevice },
  { who: 'the gateway', all: onGateway },
])('on $who', ({ all }) => {
  test.each(all)('$link: $when', ({ with: breaks, link, says, mend, listener }) => {
    const chain = healthy(listener)
    breaks(chain)
    const last = judged(chain).at(-1)
    expect(last).toMatchObject({ link, state: 'broken' })
    expect(last?.says).toMatch(says)
    expect(last?.mend).toMatch(mend)
  })
})

describe('a device that nobody can log in to', () => {
  const roof = (breaks: (chain: Chain) => unknown, listener?: 'sshd') => {
    const chain = healthy(listener)
    onTheRoof(chain)
    chain.forward = { state: 'no-tunnel', error: { message: 'no tunnel stands behind port 9022' } }
    breaks(chain)
    return judged(chain)
  }
  const state = (links: ReturnType<typeof judged>, name: string) => links.find(({ link }) => link === name)?.state
  const hungUp = log(60, 'Disconnected from user tunnel-dev 10.0.0.9 port 40000')

  test('is silent: when its last session ended and why, and what somebody beside it should look at', () => {
    const links = roof(({ gateway }) =>
      gateway
        .set('log', log(600, 'Timeout, client not responding from user tunnel-dev 10.0.0.9 port 40000'))
        .set('sessions', ''),
    )
    expect(links.filter(({ state }) => state === 'unseen').map(({ link }) => link)).toEqual([
      'device',
      'name',
      'route',
      'firewall',
      'gateway host key',
      'unit',
      'clock',
      'device sshd',
      'host key',
    ])
    expect(links.at(-1)).toMatchInlineSnapshot(`
      {
        "link": "forward",
        "mend": "somebody beside dev: has it power, network, an address (ip address; ip route)? Then on it: getent ahosts gw; systemctl status t.service; journalctl -u t.service -n 20",
        "says": "127.0.0.1:9022 on gw is no-tunnel: dev cannot be asked; its last session began 2 h ago (2025-11-24T14:00:00Z) from 10.0.0.9 and ended 10 min ago (2025-11-24T15:50:00Z): it fell silent, as when power or link are lost; nothing has been heard of it since",
        "state": "broken",
      }
    `)
  })

  test.each([
    ['it fell silent', log(60, 'Timeout, client not responding from user tunnel-dev 10.0.0.9 port 40000')],
    ['it hung up by itself', hungUp],
    ['its ssh was cut off', log(60, 'Connection reset by user tunnel-dev 10.0.0.9 port 40000')],
    ['the sshd of the gateway was stopped', log(60, 'Received signal 15; terminating.')],
  ])('%s', (why, line) => {
    expect(roof(({ gateway }) => gateway.set('log', line).set('sessions', '')).at(-1)?.says).toContain(why)
  })

  test('its session stands, and nobody answers in it', () => {
    expect(roof(() => undefined).at(-1)?.says).toContain('stands as far as sshd knows, while nobody answers in it')
  })

  const login = (ago: number, port: number) =>
    log(ago, `Accepted publickey for tunnel-dev from 10.0.0.9 port ${port} ssh2: ED25519 SHA256:device`)
  const end = (ago: number, port: number) => log(ago, `Disconnected from user tunnel-dev 10.0.0.9 port ${port}`)

  test('a session that was as short as a try is no tunnel', () => {
    const links = roof(({ gateway }) =>
      gateway.set('logins', login(7200, 40000) + login(5, 41000)).set('log', end(600, 40000) + end(4, 41000)),
    )
    expect(links.at(-1)?.says).toMatch(
      /its last session began 2 h ago .* and ended 10 min ago .*; it logged in 5 s ago .*, and no tunnel came of it$/,
    )
    expect(state(links, 'gateway host key')).toBe('unseen')
  })

  test('of a session that is shut up in its folder only PAM tells that it ended', () => {
    const closed = (pid: number) =>
      `${now - 600}.5 gw sshd-session[${pid}]: pam_unix(sshd:session): session closed for user tunnel-dev\n`
    const says = (pid: number) =>
      roof(({ gateway }) => gateway.set('log', closed(pid)).set('sessions', '')).at(-1)?.says
    expect(says(200)).toMatch(/ and ended 10 min ago \(\S+Z\); nothing has been heard of it since$/)
    expect(says(201)).toMatch(/ and is gone; nothing has been heard of it since$/)
  })

  test('it was never there', () => {
    expect(roof(({ gateway }) => gateway.set('logins', '')).at(-1)?.says).toContain('has no login of it')
  })

  test('it knocks with a key that is refused', () => {
    const knock = log(5, `Connection closed by authenticating user ${account} 10.0.0.9 port 41000 [preauth]`)
    const links = roof(({ gateway }) => gateway.set('log', hungUp + knock.repeat(3)))
    expect(links.at(-1)).toMatchObject({ link: 'key', state: 'broken' })
    expect(links.at(-1)?.says).toMatch(/^gw refuses the key that dev offers \(3 times in the last minute\)/)
    expect(['name', 'route', 'firewall'].map((name) => state(links, name))).toEqual(['ok', 'ok', 'ok'])
  })

  const leaves = log(5, 'Connection closed by 10.0.0.9 port 41000 [preauth]').repeat(3)
  test('it hangs up as soon as it has seen the host key', () => {
    const links = roof(({ gateway }) => gateway.set('log', hungUp + leaves))
    expect(links.at(-1)).toMatchObject({ link: 'gateway host key', state: 'broken' })
    expect(links.at(-1)?.says).toMatch(/^dev comes and hangs up before it logs in \(3 times/)
  })

  test('of a site with several devices nobody can tell who it was that hung up', () => {
    const neighbour = log(
      30,
      'Accepted publickey for tunnel-other from 10.0.0.9 port 41500 ssh2: ED25519 SHA256:neighbour',
    )
    const links = roof(({ gateway }) => gateway.set('log', hungUp + neighbour + leaves))
    expect(links.at(-1)?.link).toBe('forward')
    expect(state(links, 'gateway host key')).toBe('unseen')
  })

  test('its address is kept out', () => {
    const drop = log(5, 'drop connection #0 from [10.0.0.9]:41000 on [10.0.0.1]:22 penalty: failed authentication')
    expect(roof(({ gateway }) => gateway.set('log', drop)).at(-1)).toMatchObject({ link: 'penalties', state: 'broken' })
    const other = drop.replace('10.0.0.9', '10.0.0.8')
    expect(roof(({ gateway }) => gateway.set('log', other)).at(-1)?.link).toBe('forward')
    const long = drop.replace(String(now - 5), String(now - 500))
    expect(roof(({ gateway }) => gateway.set('log', long)).at(-1)?.link).toBe('forward')
  })

  test('too many logins are under way from its address', () => {
    const drop = log(5, 'drop connection #1 from [10.0.0.9]:41000 on [10.0.0.1]:22 Maxstartups')
    expect(roof(({ gateway }) => gateway.set('log', drop)).at(-1)?.says).toContain('MaxStartups')
  })

  test('its tunnel stands and its sshd does not', () => {
    const links = roof((chain) => {
      chain.forward = { state: 'device-sshd-down', error: { message: 'closes at once' } }
    })
    expect(links.at(-1)).toMatchObject({ link: 'device sshd', state: 'broken' })
    expect(['name', 'gateway host key', 'key', 'unit'].map((name) => state(links, name))).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
    ])
  })

  test('it is there and refuses', () => {
    const links = roof((chain) => {
      chain.deviceError = { kind: 'unreachable', message: 'dev port 22: connection refused: nothing listens there' }
    })
    expect(links.at(-1)).toMatchObject({
      link: 'device sshd',
      says: 'dev is there, and nothing listens on the port of its sshd',
    })
  })

  test('it proves another host key', () => {
    const links = roof((chain) => {
      chain.deviceError = { kind: 'changed-host-key', message: 'dev proved another host key than the one pinned' }
    })
    expect(links.at(-1)).toMatchObject({
      link: 'host key',
      mend: 'was it installed anew? Compare on dev: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; then provision inv.json --limit dev --accept-new-host-key dev',
    })
  })

  test('nobody says whether a key that never came is its own', () => {
    const links = roof(({ gateway }) => gateway.set('logins', ''))
    expect(state(links, 'key')).toBe('unseen')
  })
})

describe('a gateway that nobody can log in to', () => {
  const away = (breaks: (chain: Chain) => unknown) => {
    const chain = healthy()
    chain.gatewayError = { kind: 'unreachable', message: 'gw port 22: connection refused: nothing listens there' }
    chain.forward = { state: 'unverified' }
    breaks(chain)
    return judged(chain)
  }
  test('is the first broken link', () => {
    expect(away(onTheRoof)).toEqual([
      {
        link: 'gateway',
        state: 'broken',
        says: 'gw cannot be asked: gw port 22: connection refused: nothing listens there',
        mend: 'ssh gw: is it switched on, is its sshd up?',
      },
    ])
  })
  test('the device may know more', () => {
    expect(away(() => undefined)[0]?.says).toMatch(/; dev itself logs in there, so it is the way from here$/)
    expect(away(({ device }) => device.set('try', noConnection('Connection refused')))[0]?.says).toMatch(
      /; dev does not come in either: ssh: connect to host gw port 22: Connection refused$/,
    )
  })
})

test('what machines said controls no terminal, and no shell of who copies it', () => {
  const chain = healthy()
  chain.device.set('host-keys', '0 /etc/\u001b[2Jx;reboot\n')
  expect(judged(chain).at(-1)?.mend).toMatch(/^on dev: rm '\/etc\/\[2Jx;reboot'; ssh-keygen -A/)
  chain.device.set('host-keys', '').set('sshd-test', 'x.conf: \u001b[2Jbad\u0007\n')
  expect(judged(chain).at(-1)?.says).toBe('the sshd of dev would not start again: x.conf: [2Jbad')
})
