import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { fullScreen, pages, type Terminal } from '../../../src/report/terminal/screen.ts'

function terminal(rows: number) {
  const out: Terminal = new PassThrough()
  out.rows = rows
  return { out, said: () => String((out as PassThrough).read() ?? '') }
}

test('a screen is another page of the terminal, drawn in place, and given back', () => {
  const { out, said } = terminal(24)
  const screen = fullScreen(out)
  screen.draw('one\ntwo\n')
  expect(said()).toBe('\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[0m\x1b[K\ntwo\x1b[0m\x1b[K\n\x1b[J')
  screen.draw('three')
  expect(said()).toBe('\x1b[Hthree\x1b[0m\x1b[K\n\x1b[J')
  screen.leave()
  expect(said()).toBe('\x1b[?25h\x1b[?1049l')
  screen.leave()
  expect(said()).toBe('')
})

test('a terminal that was never drawn on is left alone', () => {
  const { out, said } = terminal(24)
  fullScreen(out).leave()
  expect(said()).toBe('')
})

test.each([2, 3, 5, 24, 0])('what a terminal of %i rows has no room for is counted, and nothing scrolls', (rows) => {
  const { out, said } = terminal(rows)
  fullScreen(out).draw(Array.from({ length: 40 }, (_, n) => `line ${n}`).join('\n'))
  const lines = said().split('\n').slice(0, -1)
  const room = Math.max((rows || 24) - 1, 2)
  expect(lines).toHaveLength(room)
  expect(lines.at(-1)).toBe(`… and ${40 - room + 1} more lines\x1b[0m\x1b[K`)
})

test('without a terminal one page comes after another, and no control code', () => {
  const { out, said } = terminal(24)
  const screen = pages(out)
  screen.draw('one\n')
  screen.draw('two\n')
  screen.leave()
  expect(said()).toBe('one\n\ntwo\n\n')
})
