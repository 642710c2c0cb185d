import { describe, expect, test } from 'vitest'
import { type Claim, doubtOf } from '../../src/run/readmit.ts'
import { newKey } from '../../src/ssh/host-keys/new-key.ts'
import { hostKeyText, parseHostKey } from '../../src/ssh/host-keys/pins.ts'

const [own, former] = ['own', 'former'].map((name) => {
  const key = parseHostKey(newKey(name).publicKey)
  if (!key) throw new Error('no key')
  return key
}) as [NonNullable<ReturnType<typeof parseHostKey>>, NonNullable<ReturnType<typeof parseHostKey>>]
const at = new Date('2026-11-24T12:00:00Z')
const claim = (more: Partial<Claim> = {}): Claim => ({ gateway: 'gw', at, hostKeys: [own], message: 'bWU=', ...more })

describe('what a card has handed in is taken for the device', () => {
  test.each<[string, Claim[], string | undefined]>([
    ['where one gateway has it, and the device is away', [claim()], undefined],
    ['where both gateways have the same', [claim(), claim({ gateway: 'old' })], undefined],
    ['where the device has shown a key of those', [claim()], hostKeyText(own)],
  ])('%s', (_, claims, proved) => expect(doubtOf(claims, proved)).toBeUndefined())
})

describe('nothing is taken for the device', () => {
  test.each<[string, Claim[], string | undefined, string]>([
    [
      'where another one came with the same card, at whichever gateway',
      [claim(), claim({ gateway: 'old', other: { at, from: '192.0.2.9' } })],
      undefined,
      'the same card was tried again 2026-11-24T12:00:00.000Z at old from 192.0.2.9 with other keys, so that nobody can tell which one is the device',
    ],
    [
      'where each gateway has something else',
      [claim(), claim({ gateway: 'old', message: 'eW91' })],
      undefined,
      'the same card has handed in other keys at each of gw and old, so that nobody can tell which one is the device',
    ],
    [
      'while the device still answers with the key that is pinned',
      [claim()],
      hostKeyText(former),
      'the machine that is pinned still answers, so another one has used its card',
    ],
  ])('%s', (_, claims, proved, why) => expect(doubtOf(claims, proved)).toBe(why))
})
