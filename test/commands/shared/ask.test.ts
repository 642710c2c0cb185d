import { afterEach, expect, test, vi } from 'vitest'
import { canAnswer } from '../../../src/commands/shared/ask.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

test.each([
  ['a terminal', { stdin: true, stderr: true, ci: '' }, true],
  ['a terminal that a CI has made', { stdin: true, stderr: true, ci: 'true' }, false],
  ['input from a pipe', { stdin: false, stderr: true, ci: '' }, false],
  ['a question that nobody would see', { stdin: true, stderr: false, ci: '' }, false],
])('on %s somebody can answer: %o', (_, { stdin, stderr, ci }, can) => {
  vi.stubEnv('CI', ci)
  const stub = { stdin: { isTTY: stdin }, stderr: { isTTY: stderr }, env: process.env }
  vi.stubGlobal('process', stub)
  expect(canAnswer()).toBe(can)
})
