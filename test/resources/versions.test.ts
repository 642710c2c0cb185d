import { expect, test } from 'vitest'
import { versionOf, versions } from '../../src/resources/index.ts'
import { known } from '../../src/resources/resource.ts'
import { cases, nothing, shown } from './golden.ts'

cases('versions', { converged: { resource: versions, now: 'openssh 10.0\nsystemd 257\n' } })

test('a version is what the host showed, 0 where it has no such program, and unknown before the look', () => {
  const seen = shown({ 'gw versions': 'openssh 9.2\n' })
  expect(known(versionOf('gw', 'openssh'), seen)).toBe('9.2')
  expect(known(versionOf('gw', 'systemd'), seen)).toBe('0')
  expect(known(versionOf('gw', 'openssh'), nothing)).toBeUndefined()
})
