import { describe, expect, test } from 'vitest'
import { loginKeys, observedKeys, pendingSpares } from '../../playbooks/reverse-tunnel/kept-keys.ts'
import type { Kept } from '../../src/inventory/model.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { known } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'

const written = parse(`{
  "gateways": { "gw": {} },
  "devices": {
    "a": { "forwards": ["127.0.0.1:9022:localhost:22"] },
    "b": { "knownAs": "old-b", "forwards": [{ "port": 9023, "host": "localhost", "hostPort": 22, "listener": "sshd" }] }
  }
}`)
const [gateway] = written.gateways
const [a, b] = written.devices
if (!gateway || !a || !b) throw new Error('no hosts')
const [K, N, S] = ['ssh-ed25519 AAAAkept', 'ssh-ed25519 AAAAnext', 'ssh-ed25519 AAAAspare']
const kept: Kept = {
  tunnelKeys: { a: [K], 'old-b': [K, N] },
  spareHostKeys: { gw: [{ key: S, madeBy: 'alice', trustedBy: ['a'] }] },
}
const restoring = { ...written, kept, restored: 'gw' }

/** `HOST ID` → what it shows. */
const seenOf = (texts: Readonly<Record<string, string>>, away: readonly string[] = ['a', 'b']): Seen => ({
  of: (host, id) => texts[`${host} ${id}`],
  gone: (host) => away.includes(host),
  failed: (host) => away.includes(host),
})
const nothing = seenOf({})
const keys = (device: typeof a, inventory = restoring, seen = nothing) => {
  const { present, coming } = loginKeys(gateway, device, inventory)
  return [known(present, seen), known(coming, seen)]
}
const pair = '/etc/reverse-tunnel/id_ed25519'

describe('keys that were kept', () => {
  test('stand in for those of devices that cannot be asked, where their gateway is brought back', () => {
    expect(keys(a)).toEqual([K, ''])
    expect(keys(b)).toEqual([K, N])
  })

  test('do so nowhere else', () => {
    expect(keys(a, { ...written, kept, restored: 'another' })).toEqual([undefined, undefined])
    expect(keys(a, { ...restoring, kept: { ...kept, tunnelKeys: {} } })).toEqual([undefined, undefined])
    // It comes to be seen in this run.
    expect(keys(a, restoring, seenOf({}, []))).toEqual([undefined, undefined])
  })

  test('never stand against what a device shows', () => {
    expect(keys(a, restoring, seenOf({ [`a key-pair ${pair}`]: `600 root\n${N}\n` }))).toEqual([N, ''])
  })

  test.each([
    [
      'gw files in /etc/ssh/reverse-tunnel/keys',
      '@file tunnel-a f 644:root:root\n@line tunnel-a:restrict ssh-ed25519 AAAAx a\n',
      a,
    ],
    [
      'gw file /etc/ssh/reverse-tunnel/authorized_keys',
      'file 644 root root\nrestrict ssh-ed25519 AAAAx provision id old-b\n',
      b,
    ],
  ])('never stand against what the gateway knows of it: %s', (id, text, device) => {
    expect(keys(device, restoring, seenOf({ [id]: text }))).toEqual([undefined, undefined])
    expect(keys(device === a ? b : a, restoring, seenOf({ [id]: text }))[0]).toBe(K)
  })
})

test('what is kept are the keys that devices have shown, by the names that gateways know', () => {
  const known_hosts = 'known-host gw in /etc/reverse-tunnel/known_hosts'
  const seen = seenOf(
    {
      [`b key-pair ${pair}`]: `600 root\n${K}\n`,
      [`b key-pair ${pair}.next`]: `600 root\n${N}\n`,
      [`b ${known_hosts}`]: `file 644 root root\ngw ${S}\n`,
      [`a key-pair ${pair}`]: `600 root\n${N}\n`,
    },
    ['a'],
  )
  expect(observedKeys(written)(seen)).toEqual({
    devices: { gw: ['a', 'old-b'] },
    tunnelKeys: { 'old-b': [K, N] },
    trusted: { gw: { 'old-b': [S] } },
  })
})

describe('a gateway that could not be brought back for everybody', () => {
  test('is told, of devices that are away as far as it is known', () => {
    expect(pendingSpares({ ...written, kept }, nothing)).toEqual(['gw: its spare host key is not trusted yet by b'])
    const seen = seenOf({ 'b known-host gw in /etc/reverse-tunnel/known_hosts': `file 644 root root\ngw ${S}\n` }, [
      'a',
    ])
    expect(pendingSpares({ ...written, kept }, seen)).toEqual([])
    expect(pendingSpares({ ...written, kept }, seenOf({}, []))).toEqual([
      'gw: its spare host key is not trusted yet by a, b',
    ])
  })

  test('is told with what else stands in the way, and without anything kept nothing is', () => {
    expect(
      pendingSpares({ ...written, kept: { ...kept, spareHostKeys: {}, warnings: ['gw: none'] } }, nothing),
    ).toEqual(['gw: none'])
    expect(pendingSpares(written, nothing)).toEqual([])
  })
})
