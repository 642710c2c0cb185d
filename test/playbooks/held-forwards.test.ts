import { describe, expect, test } from 'vitest'
import {
  isOurUnit,
  isReachedBeside,
  leavesSomething,
  leftOn,
  othersOn,
  pendingDoors,
  roomOn,
} from '../../playbooks/reverse-tunnel/doors.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import type { Seen } from '../../src/resources/resource.ts'
import type { HeldForward } from '../../src/tunnel/held-doors.ts'
import { parse } from '../inventory/parse.ts'

const id = 'k7w2m9qd'
const inventory = parse(
  JSON.stringify({ id, gateways: { gw: {} }, devices: { pi: { forwards: ['127.0.0.1:9122:localhost:22'] } } }),
)
const [gw] = inventory.gateways
const [pi] = inventory.devices
if (!gw || !pi) throw new Error('nobody')

interface Told {
  readonly via?: string
  readonly gone?: boolean
  readonly answers?: boolean
  readonly doors?: string
}
const told = ({ via = 'forward', gone = false, answers, doors = '' }: Told = {}): Seen => ({
  of: (_, resource) => (resource === 'doors' ? doors : undefined),
  gone: () => gone,
  failed: () => gone,
  via: () => via,
  answers: () => answers,
})
const door = (device: string, port: number, more: Partial<HeldForward> = {}): HeldForward => ({
  ...{ device, bindAddress: '127.0.0.1', port, listener: 'socket', mark: { inventory: id, device } },
  ...more,
})
const row = ({ bindAddress, port, device, mark }: HeldForward) =>
  `reverse-tunnel-${bindAddress}_${port}.socket:# provision ${mark?.inventory} ${device}\n` +
  `reverse-tunnel-${bindAddress}_${port}.socket:Description=${bindAddress}:${port} of ${device}\n`

describe('an old door is closed', () => {
  const closes = (one: HeldForward, seen: Seen, of: Inventory = inventory) => leftOn(gw, of).door(one, seen)

  test('when its device has answered through what is wanted, and not before', () => {
    expect(closes(door('pi', 9022), told({ answers: true }))).toBe(true)
    expect(closes(door('pi', 9022), told({ answers: false }))).toBe(false)
    expect(closes(door('pi', 9022), told({ gone: true }))).toBe(false)
  })

  test('never when it is the one that is wanted', () => {
    expect(closes(door('pi', 9122), told({ answers: true }))).toBe(false)
    expect(closes(door('pi', 9122, { listener: 'sshd' }), told({ answers: true }))).toBe(true)
  })

  test('of somebody whom the inventory does not name never, unless this inventory made it and prunes', () => {
    const prune = { ...inventory, prune: true }
    const theirs = door('qi', 9030, { mark: { inventory: 'zzzz9999', device: 'qi' } })
    const { mark: _, ...unmarked } = door('qi', 9030)
    for (const of of [inventory, prune]) {
      expect(closes(theirs, told(), of)).toBe(false)
      expect(closes(unmarked, told(), of)).toBe(false)
    }
    expect(closes(door('qi', 9030), told())).toBe(false)
    expect(closes(door('qi', 9030), told(), prune)).toBe(true)
    const { id: __, ...nameless } = prune
    expect(closes(door('qi', 9030, { mark: { inventory: '-', device: 'qi' } }), told(), nameless)).toBe(false)
  })

  test('of a device that leaves at once', () => {
    const leaving = { ...inventory, devices: [], leaving: [pi] }
    expect(roomOn(gw, leaving).door(door('pi', 9022), told())).toBe(true)
    expect(roomOn(gw, leaving).door(door('qi', 9030), told())).toBe(false)
  })
})

describe('room is made at once', () => {
  const makes = (one: HeldForward, seen: Seen) => roomOn(gw, inventory).door(one, seen)

  test('only where the new door cannot stand beside the old one, and the device has another way', () => {
    const overlapping = door('pi', 9122, { bindAddress: '*' })
    expect(makes(overlapping, told({ via: 'direct' }))).toBe(true)
    expect(makes(overlapping, told({ via: 'forward' }))).toBe(false)
    expect(makes(overlapping, told({ via: 'former forward 127.0.0.1:9022 on gw' }))).toBe(false)
    expect(makes(door('pi', 9022), told({ via: 'direct' }))).toBe(false)
  })
})

test('a forward is no way beside the forwards, whoever named it', () => {
  const ways = ['forward', 'forward on gw', 'forward on gw at 127.0.0.1:9022', 'former forward 127.0.0.1:9022 on gw']
  for (const via of ways) expect(isReachedBeside(pi, told({ via }))).toBe(false)
  for (const via of ['direct', 'gw', 'forwarder']) expect(isReachedBeside(pi, told({ via }))).toBe(true)
  expect(isReachedBeside(pi, told({ via: 'direct', gone: true }))).toBe(false)
})

test('a device with an old door is proved first, and one that does not answer keeps it, and it is said', () => {
  const doors = row(door('pi', 9022)) + row(door('pi', 9122))
  expect(leavesSomething(pi, inventory, told({ doors }))).toBe(true)
  expect(leavesSomething(pi, inventory, told({ doors: row(door('pi', 9122)) }))).toBe(false)
  expect(leavesSomething(pi, inventory, told({ doors, gone: true }))).toBe(false)
  expect(pendingDoors(pi, inventory, told({ doors, answers: false }))).toEqual([
    'pi: its former door 127.0.0.1:9022 on gw stays open until it answers through what the inventory names',
  ])
  expect(pendingDoors(pi, inventory, told({ doors, answers: true }))).toEqual([])
})

test('who else is known on the gateway is told, and who of them could be pruned', () => {
  const doors =
    row(door('pi', 9122)) +
    row(door('qi', 9030)) +
    row(door('ri', 9031, { mark: { inventory: 'zzzz9999', device: 'ri' } }))
  expect(othersOn(gw, inventory, told({ doors }))).toEqual([
    'qi (127.0.0.1:9030 on gw), made by this inventory: --prune removes it',
    'ri (127.0.0.1:9031 on gw)',
  ])
  expect(othersOn(gw, { ...inventory, prune: true }, told({ doors }))).toEqual(['ri (127.0.0.1:9031 on gw)'])
})

test('a unit is ours by its mark, or by the shape that units had before they were marked', () => {
  expect(isOurUnit('# provision k7w2m9qd pi\n[Unit]\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=Reverse tunnel of pi to gw\nStartLimitIntervalSec=0\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=127.0.0.1:9022 of pi\n\n[Socket]\nFreeBind=yes\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=Reverse tunnel of the web page\n[Service]\nExecStart=/bin/web\n')).toBe(false)
  expect(isOurUnit('[Service]\nExecStart=/usr/bin/ssh -N -R 9022:localhost:22 gw\n')).toBe(false)
})
