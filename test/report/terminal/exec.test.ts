import { expect, test } from 'vitest'
import { hostLines, printEnds } from '../../../src/report/terminal/exec.ts'

test('each line has its host before it, and nothing that commands a terminal', () => {
  expect(hostLines('pi1', '10%\r20%\r\n'.slice(0, -1), 4)).toBe('pi1  | 10%\npi1  | 20%\n')
  expect(hostLines('pi1', '\x1b[31mred', 3)).toBe('pi1 | [31mred\n')
})

test('who did not do well is told, and how many did', () => {
  const away = { name: 'pi3', error: { message: 'no route worked', hint: 'is it on?' } }
  expect(printEnds([{ name: 'pi1', via: 'direct', code: 0 }, { name: 'pi2', via: 'direct', code: 2 }, away])).toBe(
    'pi2: exit code 2\n' +
      'provision: error: pi3: no route worked\nprovision: hint: is it on?\n' +
      '1 of 3 hosts: exit code 0\n',
  )
})

test('of a single host its exit code says enough', () => {
  expect(printEnds([{ name: 'pi1', via: 'direct', code: 2 }])).toBe('')
})
