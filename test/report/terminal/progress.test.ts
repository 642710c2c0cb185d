import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { plainProgress, silent } from '../../../src/report/terminal/progress.ts'

function page() {
  const written: string[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  return { out, text: () => written.join('') }
}

test.each([
  ['a line for each end, where nobody reads a report', true, 'plan: nothing to change\na: ok\n'],
  ['nothing of hosts, which the report lists', false, 'plan: nothing to change\n'],
] as const)('without a terminal there is %s, and no control code', async (_, ends, said) => {
  const { out, text } = page()
  const progress = plainProgress(out, { ends })
  progress.expect('look', ['a'])
  progress.phase('a', 'look')
  progress.over('look', 'a')
  progress.note('plan: nothing to change')
  progress.end('a', 'ok')
  progress.close()
  expect(await progress.during(async () => 'yes')).toBe('yes')
  expect(text()).toBe(said)
})

test('silent says nothing at all', () => {
  expect([silent.phase('a', 'b'), silent.end('a', 'b'), silent.note('a'), silent.close()]).toEqual(
    Array(4).fill(undefined),
  )
})
