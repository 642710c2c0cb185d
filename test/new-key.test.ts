import { expect, test } from 'vitest'
import { newKey, publicHalfOf } from '../src/ssh/host-keys/new-key.ts'

test('every key pair is whole, also one of those 1 in 256 that begin with a zero', () => {
  const pairs = Array.from({ length: 2500 }, () => newKey('test'))
  const lengths = new Set(pairs.map(({ publicKey }) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64').length))
  expect([...lengths]).toEqual([51])
  for (const { privateKey, publicKey } of pairs.slice(0, 20)) expect(publicHalfOf(privateKey)).toBe(publicKey)
})
