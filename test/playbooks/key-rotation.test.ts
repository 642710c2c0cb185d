import { describe, expect, test } from 'vitest'
import {
  moveToNextKey,
  nextKeyOf,
  nextKeyPair,
  pendingKeys,
  retiredKeys,
} from '../../playbooks/reverse-tunnel/key-rotation.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { known } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'
import { complaints } from '../resources/golden.ts'

const both = [
  { gateway: 'gw1', port: 9022, host: 'localhost', hostPort: 22 },
  { gateway: 'gw2', port: 9022, host: 'localhost', hostPort: 22, listener: 'sshd' },
]
const inventory = parse(JSON.stringify({ gateways: { gw1: {}, gw2: {} }, devices: { pi: { forwards: both } } }))
const { gateways, devices } = inventory
const [gateway, device] = [gateways[0], devices[0]]
if (!gateway || !device) throw new Error('nobody')
const asked: Inventory = { ...inventory, rotate: { devices: ['pi'] } }

const [OLD, NEW] = ['ssh-ed25519 AAAAold', 'ssh-ed25519 AAAAnew']
interface Told {
  /** The device's keys; undefined: it was not looked at. */
  readonly current?: string | undefined
  readonly next?: string | undefined
  /** Of each gateway: the list, and the keys that it lets in. */
  readonly retired?: readonly string[]
  readonly letsIn?: Readonly<Record<string, readonly string[]>>
  readonly gone?: readonly string[]
}
const seenOf = ({ current = OLD, next, retired = [], letsIn = {}, gone = [] }: Told): Seen => ({
  of(host, id) {
    if (gone.includes(host) && host === 'pi') return undefined
    if (id === 'key-pair /etc/reverse-tunnel/id_ed25519') return `600 root\n${current}\n`
    if (id === 'key-pair /etc/reverse-tunnel/id_ed25519.next') return next ? `600 root\n${next}\n` : 'absent\n'
    if (id === 'key of pi') return `${OLD}\n`
    if (id.endsWith('/authorized_keys'))
      return host === 'gw2' ? (letsIn[host] ?? []).map((key) => `x ${key} pi\n`).join('') : undefined
    if (id.startsWith('file ')) return `file 600 root root\n${retired.map((key) => `pi ${key}\n`).join('')}`
    const keys = letsIn[host] ?? []
    if (host === 'gw1' && id.startsWith('files in ')) return keys.map((key) => `@line tunnel-pi:x ${key} pi\n`).join('')
    return undefined
  },
  gone: (host) => gone.includes(host),
  failed: (host) => gone.includes(host),
})
const wants = (written: Inventory, told: Told, now = 'absent\n') => {
  const verdict = retiredKeys(gateway, written).diff(now, seenOf(told))
  return typeof verdict === 'object' && 'text' in verdict ? verdict.text?.wanted : verdict
}

describe('a device that was renamed is known by its former name', () => {
  const given = { gateways: { gw1: {}, gw2: {} }, devices: { host: { knownAs: 'pi', forwards: both } } }
  const renamed = parse(JSON.stringify(given))
  const [host = expect.fail('nobody')] = renamed.devices

  test('a key of it that is to go stays on the list, once, until it has moved', () => {
    const seen = seenOf({ retired: [OLD], next: NEW })
    const verdict = retiredKeys(gateway, renamed).diff(`file 600 root root\npi ${OLD}\n`, seen)
    expect(verdict).toBe('converged')
    expect(pendingKeys(renamed, seen)).toEqual(['host: its next key waits for the next run'])
  })

  test('it moves to its next key, and the list forgets it', () => {
    const letsIn = { gw1: [NEW], gw2: [NEW] }
    const move = moveToNextKey(host, renamed.gateways).diff(`${NEW}\n`, seenOf({ retired: [OLD], letsIn }))
    expect(move).toMatchObject({ summary: 'log in with the next key alone, then use it' })
    const list = retiredKeys(gateway, renamed).diff(
      `file 600 root root\npi ${OLD}\n`,
      seenOf({ current: NEW, retired: [OLD] }),
    )
    expect(list).toMatchObject({ summary: expect.stringMatching(/remove|write/) })
  })
})

describe('the list of keys that are to go', () => {
  test('is not there as long as nobody asked', () => {
    expect(wants(inventory, {})).toBe('converged')
  })

  test('takes up the keys that the gateway lets in when asked, of a device that is away, too', () => {
    expect(wants(asked, {})).toBe(`pi ${OLD}\n`)
    expect(wants(asked, { gone: ['pi'] })).toBe(`pi ${OLD}\n`)
  })

  test('keeps what it has until the device has moved, and does not begin anew meanwhile', () => {
    const now = `file 600 root root\npi ${OLD}\n`
    expect(wants(inventory, { retired: [OLD], gone: ['pi'] }, now)).toBe('converged')
    expect(wants(asked, { retired: [OLD], next: NEW }, now)).toBe('converged')
    expect(wants(asked, { retired: [OLD], current: NEW }, now)).toBe('')
  })

  test('forgets who leaves, and keeps what is of another inventory', () => {
    const now = `file 600 root root\npi ${OLD}\n`
    expect(wants({ ...inventory, devices: [], leaving: inventory.devices }, { retired: [OLD] }, now)).toBe('')
    expect(wants({ ...inventory, devices: [] }, { retired: [OLD] }, now)).toBe('converged')
  })
})

describe('the next key', () => {
  const make = (told: Told) =>
    nextKeyPair(device, gateways).diff(told.next ? 'absent\n' : 'absent\n', {
      ...seenOf(told),
      of: (host, id) => (id === 'versions' ? 'systemd 257\n' : seenOf(told).of(host, id)),
    })

  test('is made when the present one is to go, and not before', () => {
    expect(make({})).toBe('converged')
    expect(make({ retired: [OLD] })).toMatchObject({ summary: 'make a key on the host' })
    expect(make({ retired: [OLD], current: NEW })).toBe('converged')
  })

  test('is let in beside the present one, and only while it is under way', () => {
    const letIn = (told: Told) => known(nextKeyOf(device, gateways), seenOf(told))
    expect(letIn({ retired: [OLD], next: NEW })).toBe(NEW)
    expect(letIn({ next: NEW })).toBe('')
    expect(letIn({ retired: [OLD] })).toBe('')
    expect(letIn({ gone: ['pi'] })).toBeUndefined()
  })
})

describe('the move', () => {
  const move = (told: Told) => moveToNextKey(device, gateways).diff(`${told.next ?? ''}\n`, seenOf(told))
  const everywhere = { gw1: [OLD, NEW], gw2: [OLD, NEW] }

  test('is made when every gateway lets the next key in, and tries it at each of them first', () => {
    const verdict = move({ retired: [OLD], next: NEW, letsIn: everywhere })
    expect(verdict).toMatchObject({ summary: 'log in with the next key alone, then use it' })
    if (typeof verdict !== 'object' || 'refused' in verdict) throw new Error('no change')
    expect(verdict.validate?.text.match(/IdentityFile=\S+/g)).toEqual(
      gateways.map(() => 'IdentityFile=/etc/reverse-tunnel/id_ed25519.next'),
    )
    expect(verdict.validate?.text).toMatch(/-l tunnel-pi-\w+ gw1[\s\S]*-l tunnel gw2/)
    expect(
      complaints([verdict.validate, verdict.commit, verdict.activate, verdict.undo].flatMap((piece) => piece ?? [])),
    ).toBe('')
  })

  test('waits for a gateway that lets it in later in this run, and for one that is away until another run', () => {
    expect(move({ retired: [OLD], next: NEW, letsIn: { gw1: [OLD, NEW], gw2: [OLD] } })).toBe('later')
    expect(move({ retired: [OLD], next: NEW, letsIn: everywhere, gone: ['gw2'] })).toBe('converged')
  })

  test('is none without a next key, or when the present one may stay', () => {
    expect(move({ retired: [OLD], letsIn: everywhere })).toBe('converged')
    expect(move({ next: NEW, letsIn: everywhere })).toBe('converged')
  })
})

test('what waits is told with whom it waits for', () => {
  expect(pendingKeys(inventory, seenOf({ retired: [OLD], gone: ['pi'] }))).toEqual(['pi: its next key waits for pi'])
  expect(pendingKeys(inventory, seenOf({ retired: [OLD], gone: ['gw2'] }))).toEqual(['pi: its next key waits for gw2'])
  expect(pendingKeys(inventory, seenOf({}))).toEqual([])
})
