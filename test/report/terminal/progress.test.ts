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

test('without a terminal there is a line for each end, and no control code', () => {
  const { out, text } = page()
  const progress = plainProgress(out)
  progress.expect('look', ['a'])
  progress.phase('a', 'look')
  progress.over('look', 'a')
  progress.note('plan: nothing to change')
  progress.end('a', 'ok')
  progress.close()
  expect(text()).toBe('plan: nothing to change\na: ok\n')
})

test('silent says nothing at all', () => {
  expect([silent.phase('a', 'b'), silent.end('a', 'b'), silent.note('a'), silent.close()]).toEqual(
    Array(4).fill(undefined),
  )
})
