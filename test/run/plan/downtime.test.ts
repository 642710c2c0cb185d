import { expect, test } from 'vitest'
import type { Forward } from '../../../src/inventory/model.ts'
import { verify } from '../../../src/playbook/playbook.ts'
import type { ChangeReport, HostReport } from '../../../src/report/report.ts'
import { expectedDowntime } from '../../../src/run/plan/downtime.ts'

const listener = { device: 'host-a', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022 }
const recoveries = [{ ...listener, powerCut: 10, silentLink: 20, frozenClient: 15 }]
const forward = { ...listener, host: 'localhost', hostPort: 22, listener: 'socket', expose: false } as Forward
const device = { name: 'host-a', forwards: [forward] } as never
const checks = [
  verify([device], () => [forward], {
    carriers: () => [
      { host: 'host-a', units: ['tunnel.service'] },
      { host: 'gw', units: ['door.socket'] },
    ],
  }),
]
const host = (name: string, ...changes: readonly ChangeReport[]) => ({ name, changes }) as unknown as HostReport
const cuts = (units: readonly string[], seconds = 30): ChangeReport => ({
  resource: 'systemd-units',
  summary: 'restart',
  interrupts: { units, seconds },
})
const away = (...planned: HostReport[]) => expectedDowntime(checks, planned, { recoveries, confirmWithinSeconds: 60 })

test('a change that touches nothing the tunnel needs does not interrupt it', () => {
  const motd = { resource: 'file /etc/motd', summary: 'write' }
  expect(away(host('host-a', motd, cuts(['other.service'])), host('gw'))).toEqual([
    { device: 'host-a', seconds: 0, undone: 0 },
  ])
})

test('a tunnel that restarts is away for one recovery; undone, for all that the host waits besides', () => {
  expect(away(host('host-a', cuts(['tunnel.service'])))).toEqual([{ device: 'host-a', seconds: 10, undone: 100 }])
})

test('what goes live together on a host is waited for together', () => {
  expect(away(host('host-a', cuts(['tunnel.service'], 20), cuts(['tunnel.service'], 30)))).toEqual([
    { device: 'host-a', seconds: 10, undone: 100 },
  ])
})

test('both ends are changed one after the other', () => {
  expect(away(host('gw', cuts(['door.socket'])), host('host-a', cuts(['tunnel.service'])))).toEqual([
    { device: 'host-a', seconds: 20, undone: 200 },
  ])
})

test('of several forwards the slowest counts, and a device of which nothing is promised is not told of', () => {
  const slow = { ...listener, port: 9023, powerCut: 40, silentLink: 40, frozenClient: 15 }
  const both = [{ ...checks[0], forwards: [forward, { ...forward, port: 9023 }] }] as typeof checks
  const planned = [host('host-a', cuts(['tunnel.service']))]
  expect(expectedDowntime(both, planned, { recoveries: [...recoveries, slow], confirmWithinSeconds: 60 })).toEqual([
    { device: 'host-a', seconds: 40, undone: 130 },
  ])
  expect(expectedDowntime(checks, planned, { recoveries: [], confirmWithinSeconds: 60 })).toEqual([])
})
