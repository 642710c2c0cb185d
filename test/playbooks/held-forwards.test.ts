import { describe, expect, test } from 'vitest'
import {
  hasLeftovers,
  isOurUnit,
  isReachedBeside,
  leftOn,
  othersOn,
  pendingForwards,
  roomOn,
} from '../../playbooks/reverse-tunnel/held-forwards.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import type { Seen } from '../../src/resources/resource.ts'
import type { HeldForward } from '../../src/tunnel/held-forwards.ts'
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
  readonly forwards?: string
}
const told = ({ via = 'forward', gone = false, answers, forwards = '' }: Told = {}): Seen => ({
  of: (_, resource) => (resource === 'held forwards' ? forwards : undefined),
  gone: () => gone,
  failed: () => gone,
  via: () => via,
  answers: () => answers,
})
const held = (device: string, port: number, more: Partial<HeldForward> = {}): HeldForward => ({
  ...{ device, bindAddress: '127.0.0.1', port, listener: 'socket', mark: { inventory: id, device } },
  ...more,
})
const row = ({ bindAddress, port, device, mark }: HeldForward) =>
  `reverse-tunnel-${bindAddress}_${port}.socket:# provision ${mark?.inventory} ${device}\n` +
  `reverse-tunnel-${bindAddress}_${port}.socket:Description=${bindAddress}:${port} of ${device}\n`

describe('a former forward is closed', () => {
  const closes = (one: HeldForward, seen: Seen, of: Inventory = inventory) => leftOn(gw, of).forward(one, seen)

  test('when its device has answered through what is wanted, and not before', () => {
    expect(closes(held('pi', 9022), told({ answers: true }))).toBe(true)
    expect(closes(held('pi', 9022), told({ answers: false }))).toBe(false)
    expect(closes(held('pi', 9022), told({ gone: true }))).toBe(false)
  })

  test('never when it is the one that is wanted', () => {
    expect(closes(held('pi', 9122), told({ answers: true }))).toBe(false)
    expect(closes(held('pi', 9122, { listener: 'sshd' }), told({ answers: true }))).toBe(true)
  })

  test('of somebody whom the inventory does not name never, unless this inventory made it and prunes', () => {
    const prune = { ...inventory, prune: true }
    const theirs = held('qi', 9030, { mark: { inventory: 'zzzz9999', device: 'qi' } })
    const { mark: _, ...unmarked } = held('qi', 9030)
    for (const of of [inventory, prune]) {
      expect(closes(theirs, told(), of)).toBe(false)
      expect(closes(unmarked, told(), of)).toBe(false)
    }
    expect(closes(held('qi', 9030), told())).toBe(false)
    expect(closes(held('qi', 9030), told(), prune)).toBe(true)
    const { id: __, ...nameless } = prune
    expect(closes(held('qi', 9030, { mark: { inventory: '-', device: 'qi' } }), told(), nameless)).toBe(false)
  })

  test('of a device that leaves at once', () => {
    const leaving = { ...inventory, devices: [], leaving: [pi] }
    expect(roomOn(gw, leaving).forward(held('pi', 9022), told())).toBe(true)
    expect(roomOn(gw, leaving).forward(held('qi', 9030), told())).toBe(false)
  })
})

describe('room is made at once', () => {
  const makes = (one: HeldForward, seen: Seen) => roomOn(gw, inventory).forward(one, seen)

  test('only where the new forward cannot be open beside the old one, and the device has another route', () => {
    const overlapping = held('pi', 9122, { bindAddress: '*' })
    expect(makes(overlapping, told({ via: 'direct' }))).toBe(true)
    expect(makes(overlapping, told({ via: 'forward' }))).toBe(false)
    expect(makes(overlapping, told({ via: 'former forward 127.0.0.1:9022 on gw' }))).toBe(false)
    expect(makes(held('pi', 9022), told({ via: 'direct' }))).toBe(false)
  })
})

test('a forward is no route beside the forwards, whoever named it', () => {
  const routes = ['forward', 'forward on gw', 'forward on gw at 127.0.0.1:9022', 'former forward 127.0.0.1:9022 on gw']
  for (const via of routes) expect(isReachedBeside(pi, told({ via }))).toBe(false)
  for (const via of ['direct', 'gw', 'forwarder']) expect(isReachedBeside(pi, told({ via }))).toBe(true)
  expect(isReachedBeside(pi, told({ via: 'direct', gone: true }))).toBe(false)
})

test('a device with a former forward is proved first, and one that does not answer keeps it, and the run says so', () => {
  const forwards = row(held('pi', 9022)) + row(held('pi', 9122))
  expect(hasLeftovers(pi, inventory, told({ forwards }))).toBe(true)
  expect(hasLeftovers(pi, inventory, told({ forwards: row(held('pi', 9122)) }))).toBe(false)
  expect(hasLeftovers(pi, inventory, told({ forwards, gone: true }))).toBe(false)
  expect(pendingForwards(pi, inventory, told({ forwards, answers: false }))).toEqual([
    'pi: its former forward 127.0.0.1:9022 on gw stays open until pi answers through the forwards of the inventory',
  ])
  expect(pendingForwards(pi, inventory, told({ forwards, answers: true }))).toEqual([])
})

test('who else is known on the gateway is told, and who of them could be pruned', () => {
  const forwards =
    row(held('pi', 9122)) +
    row(held('qi', 9030)) +
    row(held('ri', 9031, { mark: { inventory: 'zzzz9999', device: 'ri' } }))
  expect(othersOn(gw, inventory, told({ forwards }))).toEqual([
    'qi (127.0.0.1:9030 on gw), made by this inventory: --prune removes it',
    'ri (127.0.0.1:9031 on gw)',
  ])
  expect(othersOn(gw, { ...inventory, prune: true }, told({ forwards }))).toEqual(['ri (127.0.0.1:9031 on gw)'])
})

test('a unit is ours by its mark, or by the shape that units had before they were marked', () => {
  expect(isOurUnit('# provision k7w2m9qd pi\n[Unit]\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=Reverse tunnel of pi to gw\nStartLimitIntervalSec=0\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=127.0.0.1:9022 of pi\n\n[Socket]\nFreeBind=yes\n')).toBe(true)
  expect(isOurUnit('[Unit]\nDescription=Reverse tunnel of the web page\n[Service]\nExecStart=/bin/web\n')).toBe(false)
  expect(isOurUnit('[Service]\nExecStart=/usr/bin/ssh -N -R 9022:localhost:22 gw\n')).toBe(false)
})
