import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Device, Forward, Gateway } from '../../src/inventory/model.ts'
import type { ForwardReport, ForwardState } from '../../src/report/report.ts'
import { endpointOf, endpointStatus, roundTripAt, tunnelStands } from '../../src/status/endpoint.ts'
import { parseGatewayFacts } from '../../src/status/gateway-facts.ts'
import { parse } from '../inventory/parse.ts'

const source = join(import.meta.dirname, '../../src')

test.each(['tunnel/gateway.sh', 'tunnel/news.sh', 'verify/runs-on.sh'])(
  '%s is POSIX shell, and runs anywhere',
  (name) => {
    const file = join(source, name)
    expect(spawnSync('shellcheck', ['-s', 'sh', file], { encoding: 'utf8' }).stdout).toBe('')
    const { status, stderr } = spawnSync('/bin/dash', ['-s', 'tunnel-a=/s/127.0.0.1_9022', 'tunnel=127.0.0.1:9023'], {
      input: readFileSync(file),
      encoding: 'utf8',
      env: { PATH: '/nonexistent' },
    })
    // Two programs of one pipe that are not there may complain in the same moment.
    expect({ status, odd: /syntax|unexpected|substitution|parameter|bad /i.exec(stderr)?.[0] }).toEqual({ status: 0 })
  },
)

/** As a Debian 13 gateway told it: the clock of its system, and one of everything that can be. */
const said = String.raw`uptime 1000.00
ticks 100
listener LISTEN 0      4096   127.0.0.1:9022 0.0.0.0:* users:(("systemd-socket-",pid=1682,fd=3),("systemd",pid=1,fd=39))
listener LISTEN 0      128    127.0.0.1:9025 0.0.0.0:* users:(("nginx",pid=1765,fd=6))
listener LISTEN 0      128          *:9026            *:* users:(("sshd-session",pid=1900,fd=6))
listener u_str LISTEN 0      128                             /s/127.0.0.1_9022 19685361 * 0 users:(("sshd-session",pid=1663,fd=10))
listener u_str LISTEN 0      128                             /s/127.0.0.1_9022 19685999 * 0 users:(("sshd-session",pid=1700,fd=10))
process 1663 10000
process 1682 90000
process 1700 90100
process 1765 95000
process 1900 40000
connection 0      0      10.77.1.1:22 10.77.0.1:51588 users:(("sshd-session",pid=1663,fd=7),("sshd-session",pid=1615,fd=7)) cubic lastsnd:8264 lastrcv:25560 lastack:8264
connection 0      0      [::ffff:10.77.1.1]:22 [::ffff:203.0.113.7]:51590 users:(("sshd-session",pid=1700,fd=7)) cubic rtt:640.2/20 lastrcv:560 minrtt:600.667
connection 0      0      [2001:db8::1]:22 [2001:db8::7]:51592 users:(("sshd-session",pid=1900,fd=7)) cubic
unit Id=reverse-tunnel-127.0.0.1_9022.socket
unit LoadState=loaded
unit ActiveState=active
unit StateChangeTimestampMonotonic=5000000
unit 
unit Id=reverse-tunnel-127.0.0.1_9025.socket
unit LoadState=loaded
unit ActiveState=failed
unit StateChangeTimestampMonotonic=900000000
now 50000
key 256 SHA256:aaaa host-a.lan.internal (ED25519)
key 256 SHA256:bbbb host-a.lan.internal (ED25519)
key 256 SHA256:cccc host-b.lan.internal (ED25519)
`

describe('what a gateway tells', () => {
  const told = parseGatewayFacts(said)

  test('how slow the link of a tunnel is, as long as it stands', () => {
    expect(roundTripAt(of('socket', 9022), told)).toBe(600.667)
    expect(roundTripAt(of('sshd', 9026), told)).toBeUndefined()
    expect(roundTripAt(of('socket', 9024), told)).toBeUndefined()
  })

  test('of two sessions at one place the younger one stands there now, the other is dead', () => {
    expect(endpointStatus(of('socket', 9022), found('ok'), told, clock)).toEqual({
      since: ago(99),
      session: { since: ago(99), from: '203.0.113.7' },
    })
    expect(tunnelStands(of('socket', 9022), told)).toBe(true)
  })

  test('a stale one is silent since its session was heard last', () => {
    expect(endpointStatus(of('socket', 9022), found('stale'), told, clock).since).toBe(ago(0.56))
  })

  test('a port that another program has, and the unit that lost it', () => {
    expect(endpointStatus(of('socket', 9025), found('wrong-device'), told, clock)).toEqual({
      since: ago(50),
      holder: 'nginx, process 1765',
      unit: 'reverse-tunnel-127.0.0.1_9025.socket is failed',
    })
    expect(tunnelStands(of('socket', 9025), told)).toBe(false)
  })

  test('where sshd owns the port its session is told by the port, on whatever address', () => {
    expect(endpointStatus(of('sshd', 9026, '*'), found('ok'), told, clock)).toEqual({
      since: ago(600),
      session: { since: ago(600), from: '2001:db8::7' },
    })
    expect(tunnelStands(of('sshd', 9026, '*'), told)).toBeUndefined()
  })

  test('how long a device’s own sshd is down, nobody here knows', () => {
    expect(endpointStatus(of('socket', 9022), found('device-sshd-down'), told, clock)).not.toHaveProperty('since')
  })

  test('of what says nothing nothing is known', () => {
    expect(endpointStatus(of('socket', 9022), found('no-tunnel'), parseGatewayFacts(''), clock)).toEqual({})
    expect(
      endpointStatus(
        of('sshd', 9026),
        found('no-tunnel'),
        parseGatewayFacts('gibberish\nlistener\nunit x\nprocess'),
        clock,
      ),
    ).toEqual({})
  })

  test('while a key moves, a device has two', () => {
    expect(told.keys.get('host-a.lan.internal')).toEqual(['SHA256:aaaa', 'SHA256:bbbb'])
  })
})

describe('since when a tunnel is gone', () => {
  const line = (at: number, pid: number, text: string) => `journal ${at}.500000 gw sshd-session[${pid}]: ${text}\n`
  const opened = (at: number, pid: number, who: string, key = 'SHA256:aaaa') =>
    line(at, pid, `Accepted publickey for ${who} from 203.0.113.7 port 40000 ssh2: ED25519 ${key}`)
  const closed = (at: number, pid: number, who: string) =>
    line(at, pid, `pam_unix(sshd:session): session closed for user ${who}`)
  const keys = 'key 256 SHA256:aaaa pi (ED25519)\nkey 256 SHA256:cccc other (ED25519)\n'
  /** Of a container on a machine that was up for a minute before. */
  const head = (uptime: number) => `uptime ${uptime + 60}\nticks 100\nprocess 1 6000\nnow 50000\n${keys}`
  const gone = (listener: Forward['listener'], log: string, uptime = 40_000) =>
    endpointStatus(of(listener, 9022), found('no-tunnel'), parseGatewayFacts(head(uptime) + log), clock).since
  const me = of('socket', 9022).account

  test('the newest end of a session of its account', () => {
    const log = closed(49_900, 7, me) + opened(49_000, 7, me) + closed(48_000, 6, me) + opened(47_000, 6, me)
    expect(gone('socket', log)).toBe(ago(99.5))
    expect(gone('socket', line(49_900, 8, `Disconnected from user ${me} 203.0.113.7 port 40000`))).toBe(ago(99.5))
    expect(gone('socket', line(49_900, 8, `Timeout, client not responding from user ${me} 203.0.113.7 port 4`))).toBe(
      ago(99.5),
    )
  })

  test('is not that of another account, nor a device that dials in vain', () => {
    const vain = closed(49_990, 9, me) + opened(49_989, 9, me)
    expect(gone('socket', closed(49_995, 5, `${me}x`) + vain + closed(49_900, 7, me) + opened(49_000, 7, me))).toBe(
      ago(99.5),
    )
    expect(gone('socket', vain)).toBeUndefined()
  })

  test('in a shared account, that of a session that its own key opened', () => {
    const log =
      closed(49_900, 7, 'tunnel') +
      closed(49_800, 6, 'tunnel') +
      opened(49_000, 7, 'tunnel', 'SHA256:cccc') +
      opened(48_000, 6, 'tunnel')
    expect(gone('sshd', log)).toBe(ago(199.5))
    expect(gone('sshd', closed(49_900, 7, 'tunnel'))).toBeUndefined()
  })

  test('a session whose end nobody could write down ended with the gateway’s power', () => {
    expect(gone('socket', opened(49_000, 7, me), 600)).toBe(ago(600))
    expect(gone('socket', opened(49_000, 7, me) + closed(48_000, 6, me), 600)).toBe(ago(600))
    expect(gone('socket', opened(49_000, 7, me), 40_000)).toBeUndefined()
  })

  test('a port whose unit is not up is gone since that', () => {
    const unit = `unit Id=reverse-tunnel-127.0.0.1_9022.socket\nunit LoadState=loaded\nunit ActiveState=inactive\nunit StateChangeTimestampMonotonic=40050000000\n`
    expect(gone('socket', unit)).toBe(ago(10))
    expect(
      endpointStatus(
        of('socket', 9022),
        found('no-tunnel'),
        parseGatewayFacts(unit.replace('loaded', 'not-found')),
        clock,
      ).unit,
    ).toBe('reverse-tunnel-127.0.0.1_9022.socket is missing')
  })
})

const clock = new Date('2026-11-24T10:00:00.000Z')
const ago = (seconds: number) => new Date(clock.getTime() - seconds * 1000).toISOString()
const found = (state: ForwardState): ForwardReport => ({
  ...{ device: 'pi', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022 },
  state,
})

function of(listener: Forward['listener'], port: number, bindAddress = '127.0.0.1') {
  const wish = {
    port,
    bindAddress,
    host: 'localhost',
    hostPort: 22,
    listener,
    ...(bindAddress === '*' && { expose: true }),
  }
  const inventory = parse(JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: [wish] } } }))
  const [device, gateway] = [inventory.devices[0] as Device, inventory.gateways[0] as Gateway]
  return endpointOf(device, gateway, device.forwards[0] as Forward)
}

test('where the journal stands is told, for the next look to wait from there', () => {
  expect(parseGatewayFacts('place s=9a9b;i=9a;b=2af9\nuptime 1.00\n').place).toBe('s=9a9b;i=9a;b=2af9')
  expect(parseGatewayFacts('uptime 1.00\n').place).toBeUndefined()
})
