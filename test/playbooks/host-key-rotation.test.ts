import { describe, expect, test } from 'vitest'
import { gatewayKeys, mayRotate, pendingHostKeys, reloading } from '../../playbooks/reverse-tunnel/host-key-rotation.ts'
import type { Resource, Seen } from '../../src/resources/resource.ts'
import { known } from '../../src/resources/resource.ts'
import { sh } from '../../src/shell/sh.ts'
import { parse } from '../inventory/parse.ts'
import { observedSshd } from '../resources/sshd.ts'

const inventory = parse(`{
  "gateways": { "gw": {} },
  "devices": {
    "a": { "forwards": ["127.0.0.1:9022:localhost:22"] },
    "b": { "forwards": ["127.0.0.1:9023:localhost:22"] },
    "idle": {}
  }
}`)
const [gateway] = inventory.gateways
const { devices } = inventory
if (!gateway) throw new Error('no gateway')

interface Told {
  /** Of the gateway: on disk, proved, and beside them. */
  readonly disk?: readonly string[]
  readonly proves?: readonly string[]
  readonly next?: readonly string[]
  /** What each device trusts; not listed: never seen. */
  readonly trust?: Readonly<Record<string, readonly string[]>>
  readonly away?: readonly string[]
  readonly pinned?: readonly string[]
}
const [OLD, NEW] = ['ssh-ed25519 AAAAold', 'ssh-ed25519 AAAAnew']
const seenOf = ({
  disk = [OLD],
  proves = [OLD],
  next = [],
  trust = {},
  away = [],
  pinned = [OLD, NEW],
}: Told): Seen => ({
  of(host, id) {
    if (id === 'host keys') return `${disk.join('\n')}\n`
    if (id === 'next host keys') return next.map((key) => `@next /etc/ssh/key ${key}\n`).join('')
    const keys = trust[host]
    return keys && `file 644 root root\n${keys.map((key) => `gw ${key}\n`).join('')}other ${NEW}\n`
  },
  gone: (host) => away.includes(host),
  failed: (host) => away.includes(host),
  proved: () => proves,
  trusts: (_, key) => pinned.includes(key),
})

test('devices trust what is proved now, what is on disk, and what comes next', () => {
  const keys = (told: Told) => known(gatewayKeys(gateway), seenOf(told))
  expect(keys({})).toEqual([OLD])
  expect(keys({ disk: [NEW] })).toEqual([NEW, OLD])
  expect(keys({ next: [NEW] })).toEqual([OLD, NEW])
  expect(known(gatewayKeys(gateway), { ...seenOf({}), of: () => undefined })).toBeUndefined()
})

describe('a change that reloads sshd', () => {
  const settings: Resource = {
    id: 'sshd-settings x',
    inspect: sh`:`,
    diff: (now) => (now === 'same' ? 'converged' : { summary: 'rewrite and reload sshd', saves: [], commit: sh`:` }),
  }
  const verdict = (told: Told, now = 'other') => reloading(gateway, devices, settings).diff(now, seenOf(told))
  const both = { a: [OLD, NEW], b: [OLD, NEW] }

  test('goes ahead while sshd proves what is on disk', () => {
    expect(verdict({ trust: {}, away: ['a', 'b'] })).toMatchObject({ summary: 'rewrite and reload sshd' })
  })

  test('is refused with the devices that are away and do not trust the keys on disk', () => {
    expect(verdict({ disk: [NEW], trust: { a: [OLD, NEW] }, away: ['b'] })).toMatchObject({
      refused: expect.stringMatching(/not trusted yet by b$/),
      hint: 'reach these devices first: a run gives them the new key beside the old one',
    })
  })

  test('is refused while this machine does not trust them', () => {
    expect(verdict({ disk: [NEW], trust: both, pinned: [OLD] })).toMatchObject({
      refused: expect.stringMatching(/not trusted yet by this machine \(its pins\)$/),
      hint: expect.stringContaining('--accept-new-host-key gw'),
    })
  })

  test('waits for devices that get the new key in this run', () => {
    expect(verdict({ disk: [NEW], trust: { a: [OLD], b: [OLD] } })).toBe('later')
  })

  test('has to show one of them at the login that confirms it', () => {
    expect(verdict({ disk: [NEW], trust: both })).toMatchObject({ hostKeys: [NEW] })
  })

  test('is nobody concern when there is none', () => {
    expect(verdict({ disk: [NEW], away: ['a', 'b'] }, 'same')).toBe('converged')
  })
})

describe('a rotation', () => {
  const may = (told: Told) => mayRotate(gateway, devices)([NEW], seenOf({ next: [NEW], ...told }))
  const pending = (told: Told) => pendingHostKeys(gateway, devices, seenOf(told))

  test('switches when every device and this machine trust the next key', () => {
    expect(may({ trust: { a: [OLD, NEW], b: [NEW] } })).toBe(true)
    expect(may({ trust: { a: [OLD, NEW], b: [OLD] } })).toBeUndefined()
    expect(may({ trust: { a: [OLD, NEW], b: [OLD] }, away: ['b'] })).toBe(false)
    expect(may({ trust: { a: [NEW], b: [NEW] }, pinned: [OLD] })).toBe(false)
  })

  test('a device that is away and trusts the next key already is not waited for', () => {
    expect(may({ trust: { a: [NEW], b: [NEW] }, away: ['b'] })).toBe(true)
  })

  test('that waits is told, and what is done is not', () => {
    expect(pending({ next: [NEW], trust: { a: [OLD, NEW] }, away: ['b'] })).toEqual([
      'gw: its next host keys wait for b',
    ])
    expect(pending({ trust: {}, away: ['a', 'b'] })).toEqual([])
    expect(pending({ disk: [NEW], trust: {}, away: ['a'] })).toEqual([
      'gw: its sshd has new host keys, not trusted yet by a',
    ])
  })
})

describe('a change that reloads the sshd of a device', () => {
  const [device] = devices
  if (!device) throw new Error('no device')
  const settings: Resource = {
    id: 'sshd-settings x',
    inspect: sh`:`,
    diff: () => ({ summary: 'rewrite and reload sshd', saves: [], commit: sh`:` }),
  }
  const verdict = ({ written, ...told }: Told & { written: number }) =>
    reloading(device, [], settings).diff('', {
      ...seenOf(told),
      of: (_, id) =>
        id === 'running sshd'
          ? observedSshd({ keys: [`${NEW} /etc/ssh/key`], changed: { '/etc/ssh/key': written } })
          : '',
    })

  test('goes ahead where sshd has read its host keys, or proves them already', () => {
    expect(verdict({ written: 400 })).toMatchObject({ summary: 'rewrite and reload sshd' })
    expect(verdict({ written: 700, proves: [OLD, NEW] })).not.toHaveProperty('hostKeys')
  })

  test('is refused where they were replaced and this machine does not know them', () => {
    expect(verdict({ written: 700, pinned: [OLD] })).toMatchObject({
      refused: expect.stringMatching(/prove other host keys.*this machine \(its pins\)$/),
      hint: expect.stringContaining('--accept-new-host-key a'),
    })
    expect(verdict({ written: 700, pinned: [NEW] })).toMatchObject({ hostKeys: [NEW] })
  })
})
