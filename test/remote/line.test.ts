import { expect, test } from 'vitest'
import { lineOf } from '../../src/remote/line.ts'

test.each([
  [['uptime'], 'uptime'],
  [['ls -l | wc -l'], 'ls -l | wc -l'],
  [['ls', 'a b'], "ls 'a b'"],
  [['echo', '$HOME', "it's", ''], "echo '$HOME' 'it'\\''s' ''"],
])('%j is the line %s', (words, line) => {
  expect(lineOf(words)).toBe(line)
})
