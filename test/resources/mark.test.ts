import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseMark, printMark } from '../../src/resources/mark.ts'

const inventory = fc.oneof(fc.constant('-'), fc.stringMatching(/^[a-z0-9]{4,32}$/))
const device = fc.option(fc.stringMatching(/^\w[\w.-]{0,60}$/), { nil: undefined })

test('a mark is read as it was printed, in a comment line, a key line and a GECOS field alike', () => {
  fc.assert(
    fc.property(inventory, device, (id, name) => {
      const mark = { inventory: id, ...(name !== undefined && { device: name }) }
      for (const before of ['', '# ', 'ssh-ed25519 AAAAC3Nz somebody@laptop '])
        expect(parseMark(`${before}${printMark(mark)}\nprovision zzzz other`)).toEqual(mark)
    }),
  )
})

test.each([
  'provisioned by hand',
  'reverse tunnel of bob',
  '# kept by provision, see the wiki',
  'ssh-ed25519 AAAA provision',
  '',
  'unprovision k7w2m9qd host-a',
])('%j is no mark', (text) => {
  expect(parseMark(text)).toBeUndefined()
})
