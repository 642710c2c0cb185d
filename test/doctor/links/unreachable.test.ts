import { describe, expect, test } from 'vitest'
import { account, type Chain, healthy, now, onTheRoof } from '../chain.ts'
import { judged, log, noConnection } from './case.ts'

describe('a device that nobody can log in to', () => {
  const roof = (breaks: (chain: Chain) => unknown, listener?: 'sshd') => {
    const chain = healthy(listener)
    onTheRoof(chain)
    chain.forward = { state: 'no-tunnel', error: { message: 'there is no tunnel behind port 9022' } }
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
        "mend": "somebody on site at dev: does it have power, network, an address (ip address; ip route)? Then on it: getent ahosts gw; systemctl status t.service; journalctl -u t.service -n 20",
        "mendedBy": "hand",
        "says": "127.0.0.1:9022 on gw is no-tunnel: dev cannot be asked; its last session began 2 h ago (2025-11-24T14:00:00Z) from 10.0.0.9 and ended 10 min ago (2025-11-24T15:50:00Z): it stopped answering, as when power or the link is lost; nothing has been heard of it since",
        "state": "broken",
      }
    `)
  })

  test.each([
    ['it stopped answering', log(60, 'Timeout, client not responding from user tunnel-dev 10.0.0.9 port 40000')],
    ['it closed the connection itself', hungUp],
    ['its connection broke', log(60, 'Connection reset by user tunnel-dev 10.0.0.9 port 40000')],
    ['the sshd of the gateway was stopped', log(60, 'Received signal 15; terminating.')],
  ])('%s', (why, line) => {
    expect(roof(({ gateway }) => gateway.set('log', line).set('sessions', '')).at(-1)?.says).toContain(why)
  })

  test('its session stands, and nobody answers in it', () => {
    expect(roof(() => undefined).at(-1)?.says).toContain('is still open as far as sshd knows, but nothing answers')
  })

  const login = (ago: number, port: number) =>
    log(ago, `Accepted publickey for tunnel-dev from 10.0.0.9 port ${port} ssh2: ED25519 SHA256:device`)
  const end = (ago: number, port: number) => log(ago, `Disconnected from user tunnel-dev 10.0.0.9 port ${port}`)

  test('a session that was as short as a try is no tunnel', () => {
    const links = roof(({ gateway }) =>
      gateway.set('logins', login(7200, 40000) + login(5, 41000)).set('log', end(600, 40000) + end(4, 41000)),
    )
    expect(links.at(-1)?.says).toMatch(
      /its last session began 2 h ago .* and ended 10 min ago .*; it logged in 5 s ago .*, but opened no tunnel$/,
    )
    expect(state(links, 'gateway host key')).toBe('unseen')
  })

  test('of a session that is shut up in its folder only PAM tells that it ended', () => {
    const closed = (pid: number) =>
      `${now - 600}.5 gw sshd-session[${pid}]: pam_unix(sshd:session): session closed for user tunnel-dev\n`
    const says = (pid: number) =>
      roof(({ gateway }) => gateway.set('log', closed(pid)).set('sessions', '')).at(-1)?.says
    expect(says(200)).toMatch(/ and ended 10 min ago \(\S+Z\); nothing has been heard of it since$/)
    expect(says(201)).toMatch(/ and has ended; nothing has been heard of it since$/)
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
    expect(links.at(-1)?.says).toMatch(/^dev connects and closes the connection before it logs in \(3 times/)
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
      chain.deviceError = { kind: 'unreachable', portClosed: true, message: 'dev port 22: connection refused' }
    })
    expect(links.at(-1)).toMatchObject({
      link: 'device sshd',
      says: 'dev is up, but nothing listens on the port of its sshd',
    })
  })

  test('it proves another host key', () => {
    const links = roof((chain) => {
      chain.deviceError = { kind: 'changed-host-key', message: 'dev presented another host key than the pinned one' }
    })
    expect(links.at(-1)).toMatchObject({
      link: 'host key',
      mend: 'was the machine reinstalled? Compare the fingerprint on dev: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; then provision inv.json --limit dev --accept-new-host-key dev',
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
        mendedBy: 'hand',
      },
    ])
  })
  test('the device may know more', () => {
    expect(away(() => undefined)[0]?.says).toMatch(
      /; dev itself can log in there, so the fault is between here and gw$/,
    )
    expect(away(({ device }) => device.set('try', noConnection('Connection refused')))[0]?.says).toMatch(
      /; dev cannot log in there either: ssh: connect to host gw port 22: Connection refused$/,
    )
  })
})
