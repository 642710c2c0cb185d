import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputFilter } from '../../../src/ssh/session/output-filter.ts'

const mark = 'end-0123456789abcdef'

/** What is passed on of these bytes, cut into pieces at these places. */
function passed(bytes: Buffer, cuts: readonly number[], begins: boolean) {
  const filter = outputFilter(mark, { begins })
  const places = [
    0,
    ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other),
    bytes.length,
  ]
  const out = places.slice(1).map((to, at) => filter.take(bytes.subarray(places[at], to)))
  return {
    text: Buffer.concat(out).toString('latin1'),
    words: filter.words(),
    shell: filter.shell(),
    rest: filter.rest(),
  }
}

// Texts that look like the beginning of our lines, too.
const output = fc
  .array(fc.constantFrom('a', '\n', '\u0001', 'end', `\u0001${mark.slice(0, 9)}`, `x${mark} 0\n`, 'ÿ'), {
    maxLength: 20,
  })
  .map((pieces) => pieces.join(''))

test('wherever it is cut, the output is passed on whole, and our own lines are not', () => {
  fc.assert(
    fc.property(output, fc.array(fc.nat()), fc.boolean(), (text, cuts, begins) => {
      const first = begins ? `noise of a login shell\n\u0001${mark}+42\n` : ''
      const whole = Buffer.from(`${first}${text}\u0001${mark} 7 sudo\nleft behind`, 'latin1')
      expect(passed(whole, cuts, begins)).toMatchObject({
        text: `${begins ? 'noise of a login shell\n' : ''}${text}`,
        words: ['7', 'sudo'],
        shell: begins ? '42' : undefined,
      })
    }),
  )
})

test('before its first line nothing is passed on: it is what somebody said instead', () => {
  const { text, words, shell, rest } = passed(Buffer.from(`sudo: no\n\u0001${mark} 1 sudo\n`), [], true)
  expect({ text, words, shell, rest: rest.toString() }).toEqual({
    text: '',
    words: ['1', 'sudo'],
    shell: undefined,
    rest: 'sudo: no\n',
  })
})

test('a line end does not wait for what may come after it', () => {
  expect(outputFilter(mark, { begins: false }).take(Buffer.from('line\n')).toString()).toBe('line\n')
})
