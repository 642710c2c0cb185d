import { expect, test } from 'vitest'
import { execCodeOf } from '../../src/remote/exec.ts'

const ended = (code: number) => ({ name: 'pi', via: 'direct', code })
const failed = { name: 'pi', via: 'direct', error: { message: 'sudo requires the password of pi' } }
const away = { name: 'pi', error: { message: 'no route worked' } }

test.each([
  ['all went well', [ended(0), ended(0)], 0],
  ['one did not', [ended(0), ended(7)], 1],
  ['one was reached, and could not run it', [ended(0), failed], 1],
  ['one was not reached', [ended(7), away], 3],
  ['a single one: its own code', [ended(7)], 7],
  ['a single one that was not reached', [away], 3],
  ['a single one that could not run it', [failed], 1],
])('%s', (_, hosts, code) => {
  expect(execCodeOf(hosts)).toBe(code)
})
