import { expect, test } from 'vitest'
import type { Refused } from '../../src/resources/resource.ts'
import { withReload } from '../../src/resources/sshd-reload.ts'
import { sh } from '../../src/shell/sh.ts'
import { complaints, nothing } from './golden.ts'
import { config, dropIns, observedSshd, type SshdState, service } from './sshd.ts'

const change = { summary: 'rewrite and reload sshd', saves: ['/etc/x'], validate: sh`sshd -t`, commit: sh`:` }
const verdict = (how: SshdState = {}, more: Partial<Parameters<typeof withReload>[0]> = {}) =>
  withReload({ ...change, ...more }, { ...nothing, here: () => observedSshd(how) })
const refused = (how: SshdState, more?: Parameters<typeof verdict>[1]) => (verdict(how, more) as Refused).refused

test('the unit that runs it is told, what is in force is written down, and both are undone', () => {
  const told = verdict({ units: service().replaceAll('ssh.service', 'own@x.service') })
  if ('refused' in told) throw new Error(told.refused)
  expect(told.activate?.text).toMatch(/^if systemctl is-active --quiet own@x\.service; then systemctl reload own@x/)
  expect(told.activate?.text).toContain("echo '@unit own@x.service'")
  expect(told.undo?.text).not.toContain('sshd-in-force')
  expect(told.saves).toEqual(['/etc/x', '/var/lib/provision/sshd-in-force'])
  expect(complaints([told.activate, told.undo, told.validate].flatMap((piece) => piece ?? []))).toBe('')
})

test('before anything moves it is seen to that it is the same sshd, and that nobody has edited since', () => {
  const told = verdict({ changed: { [config]: 300 } })
  expect('validate' in told && told.validate?.text).toMatch(
    /\/proc\/30\/stat[\s\S]*150000[\s\S]*'300\.0+ \/etc\/ssh\/sshd_config'[\s\S]*sshd -t$/,
  )
})

test('where none runs by itself there is nobody to tell', () => {
  expect(withReload(change, { ...nothing, here: () => '@none\n' })).toEqual(change)
})

test('a host that showed nothing is not guessed at', () => {
  for (const shown of [undefined, '', 'sh: syntax error\n'])
    expect(withReload(change, { ...nothing, here: () => shown })).toMatchObject({ refused: expect.any(String) })
})

test('an edit that waits is refused with its lines, since when it waits, and the way out', () => {
  const how = { changed: { [config]: 700 }, files: { [config]: ['UsePAM  yes', ' AllowUsers bob'] } }
  expect(verdict({ ...how, inForce: { [config]: ['UsePAM yes', 'Port 22'] } })).toMatchInlineSnapshot(`
    {
      "hint": "check that change; if it is intended, keep a second session open and reload sshd yourself: systemctl reload ssh; then run again",
      "refused": "/etc/ssh/sshd_config was changed at 1970-01-01T00:11:40.000Z, and sshd has not read it since (last read at 1970-01-01T00:08:20.500Z); a reload would activate: + AllowUsers bob; - Port 22",
    }
  `)
  expect(verdict(how)).toMatchInlineSnapshot(`
    {
      "hint": "check that change; if it is intended, keep a second session open and reload sshd yourself: systemctl reload ssh; then run again",
      "refused": "/etc/ssh/sshd_config was changed at 1970-01-01T00:11:40.000Z, and sshd has not read it since (last read at 1970-01-01T00:08:20.500Z); a reload would activate whatever is new among these lines: UsePAM yes; AllowUsers bob",
    }
  `)
})

test('many lines are cut short', () => {
  const lines = Array.from({ length: 20 }, (_, n) => `Port ${n + 1}`)
  expect(refused({ changed: { [config]: 700 }, files: { [config]: lines } })).toMatch(/Port 8; and 12 more lines$/)
})

test('the file that is about to be replaced may say what it likes', () => {
  const own = `${dropIns}/00-x.conf`
  const how = { changed: { [own]: 700 }, files: { [own]: ['AllowUsers bob'] } }
  expect(refused(how)).toContain(own)
  expect(verdict(how, { own })).toHaveProperty('commit')
})

const listens = (who: string) => `LISTEN 0 4096 *:22 *:* users:(("sshd",pid=30,fd=3)${who}\n`

test.each([
  ['is held open by systemd', listens(',("systemd",pid=1,fd=31))')],
  ['was opened by systemd, whose socket unit is gone', listens(') cgroup:/init.scope')],
])('an sshd whose port %s is not reloaded but started anew', (_, socket) => {
  const told = verdict({ units: service(socket) })
  expect('activate' in told && told.activate?.text).toContain('systemctl try-restart ssh.service')
  expect('undo' in told && told.undo?.text).toContain('systemctl try-restart ssh.service')
  const ending = service(socket).replace('KillMode=process', 'KillMode=control-group')
  expect(refused({ units: ending })).toContain('ends all sessions')
})

test('an sshd that opened its port itself is reloaded', () => {
  const told = verdict({ units: service(listens(') cgroup:/system.slice/ssh.service')) })
  expect('activate' in told && told.activate?.text).toContain('systemctl reload ssh.service')
})

const title = (words: string) => `sshd: /usr/sbin/sshd ${words} [listener] 0 of 10-100 startups`

test.each([
  ['-D -f /etc/other', /started with -f \/etc\/other/],
  ['-D -f/etc/other', /started with -f \/etc\/other/],
  ['-Df /etc/other', /started with -f \/etc\/other/],
  ['-D -o PermitTTY=yes', /started with -o PermitTTY=/],
  ['-D -oPermitTTY=yes', /started with -o PermitTTY=/],
])('an sshd started with %s is left alone', (words, why) => {
  expect(refused({ title: title(words) }, { keywords: ['PermitTTY'] })).toMatch(why)
})

test.each(['-D -f /etc/ssh/sshd_config', '-D -o Banner=none', '-D -p 2222 -h /etc/f -h /etc/o'])(
  'an sshd started with %s reads what we write',
  (words) => {
    expect(verdict({ title: title(words) }, { keywords: ['PermitTTY'] })).toHaveProperty('activate')
  },
)

test('an sshd that nobody could tell is left alone, but for a file that goes', () => {
  const byHand = { units: '' }
  expect(refused(byHand)).toContain('started by hand')
  expect(refused({ units: service().replace('MainPID=30', 'MainPID=31') })).toContain('started by hand')
  expect(refused({ units: service().replace('CanReload=yes', 'CanReload=no') })).toContain('cannot be reloaded')
  expect(verdict(byHand, { leaves: true })).toEqual(change)
})
