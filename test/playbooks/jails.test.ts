import { expect, test } from 'vitest'
import { jailFolders, jailsStand } from '../../playbooks/reverse-tunnel/gateway-units.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { complaints, nothing } from '../resources/golden.ts'

const names = ['tunnel-a', 'tunnel-b']
const file = (accounts: readonly string[]): Seen => ({
  ...nothing,
  here: (id) =>
    id === 'file /etc/tmpfiles.d/reverse-tunnel.conf' ? `file 644 root root\n${jailFolders(accounts)}` : undefined,
})
const folders = (name: string, { mode = '755', owner = name } = {}) =>
  `@folder /run/reverse-tunnel/${name} directory ${mode} root:root\n@folder /run/reverse-tunnel/${name}/s directory 700 ${owner}:${owner}\n`
const top = '@folder /run/reverse-tunnel directory 755 root:root\n'
const resource = jailsStand(names)
const verdict = (now: string, seen = file(names)) => resource.diff(now, seen)

test('where every folder stands as the file says, nothing is to be done', () => {
  expect(verdict(top + folders('tunnel-a') + folders('tunnel-b'))).toBe('converged')
})

test('what the file does not name yet, its own change makes', () => {
  expect(verdict('', nothing)).toBe('converged')
  expect(verdict(top + folders('tunnel-a'), file(['tunnel-a']))).toBe('converged')
})

test('a folder that was cleared away is made again, and the session that has lost it ends', () => {
  expect(verdict(top + folders('tunnel-b'))).toMatchObject({
    summary: 'make again those of tunnel-a, end the sessions that have lost theirs',
    activate: { text: expect.stringMatching(/systemd-tmpfiles --create [\s\S]*\npkill -u tunnel-a sshd \|\| :$/) },
    endsOnly: true,
  })
})

test('one with other rights is put right, and its session goes on', () => {
  const now = top + folders('tunnel-a', { mode: '777' }) + folders('tunnel-b', { owner: 'root' })
  const change = verdict(now)
  expect(change).toMatchObject({ summary: 'make again those of tunnel-a, tunnel-b' })
  expect(change).not.toMatchObject({ activate: { text: expect.stringContaining('pkill') } })
})

test('its shell is POSIX', () => {
  const change = verdict('')
  if (typeof change === 'string' || 'refused' in change) throw new Error('no change')
  expect(complaints([resource.inspect, ...(change.activate ? [change.activate] : [])])).toBe('')
})
