import { describe, expect, test } from 'vitest'
import { duration } from '../../../src/report/duration.ts'
import { printStatus } from '../../../src/report/status/text.ts'
import { fleet, forward, gateway, report, troubled } from '../status-of.ts'

const plain = { color: false, columns: 1000 }

test('all is well: a line for each gateway, a row for each forward, a sentence', () => {
  expect(printStatus(report(), plain)).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  ok  Debian GNU/Linux 13 (trixie), OpenSSH 10.0, up 10 d
    DEVICE               STATE  SINCE    PROVED  PORT                                     FROM         BACK WITHIN  RUNS ON
    host-a.lan.internal  ok     3 d 4 h  now     127.0.0.1:9022 on ssh-gw.guest.internal  203.0.113.7  10 s, 20 s   Raspberry Pi 4 Model B Rev 1.5, Debian GNU/Linux 13 (trixie), OpenSSH 10.0p2
    1 of 1 forward reaches its device, 1.2 s
    "
  `)
})

test('what is not ok comes first, with what was seen and what to do now', () => {
  const stale = troubled('stale', {
    device: 'host-b.lan.internal',
    error: { message: 'the port is open, but nothing answers' },
    session: { since: '2026-11-24T04:05:12.000Z', from: '198.51.100.9' },
  })
  const taken = troubled('wrong-device', { holder: 'nginx, process 42', unit: 'x.socket is failed' })
  const { lastProof: _, since: __, ...never } = troubled('no-tunnel', { device: 'host-c.lan.internal' })
  const forwards = [forward, stale, never, taken]
  const shown = report({ forwards, without: ['host-z.lan.internal'], exitCode: 1 })
  expect(printStatus(shown, plain)).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  ok  Debian GNU/Linux 13 (trixie), OpenSSH 10.0, up 10 d
    DEVICE               STATE         SINCE    PROVED   PORT                                     FROM          BACK WITHIN  RUNS ON
    host-a.lan.internal  wrong-device  41 min   2 h ago  127.0.0.1:9022 on ssh-gw.guest.internal  -             10 s, 20 s
      there is no tunnel behind port 9022
      another program has this port: nginx, process 42
      x.socket is failed
      next: provision doctor inventory.json --device host-a.lan.internal
    host-c.lan.internal  no-tunnel     -        -        127.0.0.1:9022 on ssh-gw.guest.internal  -             10 s, 20 s
      there is no tunnel behind port 9022
      next: provision doctor inventory.json --device host-a.lan.internal
    host-b.lan.internal  stale         41 min   2 h ago  127.0.0.1:9022 on ssh-gw.guest.internal  198.51.100.9  10 s, 20 s
      the port is open, but nothing answers
      its session on the gateway is 6 h old, from 198.51.100.9
      next: provision doctor inventory.json --device host-a.lan.internal
    host-a.lan.internal  ok            3 d 4 h  now      127.0.0.1:9022 on ssh-gw.guest.internal  203.0.113.7   10 s, 20 s   Raspberry Pi 4 Model B Rev 1.5, Debian GNU/Linux 13 (trixie), OpenSSH 10.0p2
    without a forward: host-z.lan.internal
    1 of 4 forwards reaches its device, 1.2 s
    "
  `)
})

test('a gateway that was not reached, or could not be read, says why and what to do', () => {
  const error = { message: 'sudo requires the password of user001', hint: 'give user001 a password' }
  const { since: _, runsOn: __, ...silent } = gateway
  expect(
    printStatus(report({ gateways: [{ ...silent, state: 'unread', error }], forwards: [] }), plain),
  ).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  unread
      sudo requires the password of user001
      hint: give user001 a password
    no forward to look at, 1.2 s
    "
  `)
})

describe('a terminal', () => {
  test.each([60, 80, 100, 132, 200])('of %i columns is never filled beyond its edge by the table', (columns) => {
    const lines = printStatus(fleet(60, 1), { color: false, columns }).split('\n')
    const rows = lines.filter((line) => /^(DEVICE|sensor|camera|printer|logger)/.test(line))
    expect(rows).toHaveLength(61)
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(columns)
    expect(rows.every((row) => /SINCE|\d (s|min|h|d)\b/.test(row))).toBe(true)
  })

  test('shows with colour what the word says anyway', () => {
    const esc = '\x1b['
    const colored = printStatus(report({ forwards: [forward, troubled('stale')] }), { color: true, columns: 100 })
    expect(colored).toContain(`${esc}32mok${esc}39m`)
    expect(colored).toContain(`${esc}31mstale${esc}39m`)
    expect(colored.replaceAll(/\x1b\[\d+m/g, '')).toBe(
      printStatus(report({ forwards: [forward, troubled('stale')] }), { color: false, columns: 100 }),
    )
  })

  test('is not controlled by what a host sends', () => {
    const evil = '\x1b]0;owned\x07\x1b[2J'
    const forwards = [
      { ...forward, session: { from: evil }, runsOn: { os: evil } },
      troubled('stale', { holder: evil, error: { message: evil }, next: evil, unit: evil }),
    ]
    const all = report({
      forwards,
      gateways: [{ ...gateway, runsOn: { os: evil }, error: { message: evil, hint: evil } }],
    })
    expect(printStatus(all, plain)).not.toMatch(/[\x07\x1b]/)
  })
})

test.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3599, '59 min'],
  [3600, '1 h'],
  [3660, '1 h 1 min'],
  [86_400, '1 d'],
  [90_000, '1 d 1 h'],
  [-3, '0 s'],
])('%f seconds are %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words)
})
