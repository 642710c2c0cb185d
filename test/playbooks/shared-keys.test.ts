import { expect, test } from 'vitest'
import type { Closing } from '../../playbooks/reverse-tunnel/held-forwards.ts'
import { sharedKeyFile } from '../../playbooks/reverse-tunnel/shared-keys.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'

const [gateway] = parse(
  '{ "gateways": { "gw": {} }, "devices": { "pi": { "forwards": ["9022:localhost:22"] } } }',
).gateways
if (!gateway) throw new Error('nobody')

const key = (who: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIof${who}`
const pi = {
  ...{ host: 'pi.lan', device: 'pi' },
  keys: (seen: Seen) => (seen.gone('pi.lan') ? undefined : [key('pi')]),
  line: (each: string) => `restrict ${each} provision k7w2m9qd pi`,
}
const wants = (rows: readonly string[], { gone = false, goes = '' } = {}) => {
  const now = rows.length === 0 ? 'absent\n' : `file 644 root root\n${rows.map((row) => `${row}\n`).join('')}`
  const closing = { keyLine: (comment: string) => goes !== '' && comment.endsWith(goes) } as unknown as Closing
  const seen: Seen = { of: () => now, gone: () => gone, failed: () => false }
  const verdict = sharedKeyFile(gateway, [pi], closing).diff(now, seen)
  return typeof verdict === 'object' && 'text' in verdict ? verdict.text?.wanted.split('\n').filter(Boolean) : verdict
}

test('lines of other inventories, of people and comments stay', () => {
  const others = [`restrict ${key('qi')} provision zzzz9999 qi`, `${key('bob')} bob@laptop`, '# by hand']
  expect(wants(others)).toEqual([...others, pi.line(key('pi'))])
  expect(wants([...others, pi.line(key('pi'))])).toBe('converged')
})

test('the lines of a device that is not there stay, whatever they say', () => {
  expect(wants([`old ${key('older')} pi`], { gone: true })).toBe('converged')
})

test('an older key of the device, and the line of an earlier version, are replaced', () => {
  expect(wants([`restrict ${key('older')} provision k7w2m9qd pi`, `restrict ${key('pi')} pi`])).toEqual([
    pi.line(key('pi')),
  ])
})

test('what the run closes goes', () => {
  expect(wants([`restrict ${key('ri')} provision k7w2m9qd ri`, pi.line(key('pi'))], { goes: ' ri' })).toEqual([
    pi.line(key('pi')),
  ])
})
