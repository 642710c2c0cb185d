import { expect, test } from 'vitest'
import type { ChangeReport, HostReport } from '../../../src/report/report.ts'
import { printPlan } from '../../../src/report/terminal/plan.ts'
import { device, gateway } from '../report-of.ts'

const plain = { color: false, diffs: false }
const promise = {
  ...{ device: 'host-a', gateway: 'ssh-gw.guest.internal', bindAddress: '127.0.0.1', port: 9022 },
  ...{ powerCut: 10, silentLink: 20, frozenClient: 15 },
}
const unit: ChangeReport = {
  resource: 'systemd-units reverse-tunnel-*',
  summary: 'write tunnel.service',
  effect: 'add',
}
const gone: ChangeReport = { resource: 'file /etc/old', summary: 'remove', effect: 'remove', diff: '-old\n' }
const fleet = (count: number, change: (at: number) => readonly ChangeReport[]): HostReport[] =>
  Array.from({ length: count }, (_, at) => ({ ...device, name: `pi${at + 1}`, changes: change(at) }))

test('a plan is a line for each change, host by host, and a sentence in the end', () => {
  expect(printPlan({ hosts: [gateway, device], recoveries: [promise] }, plain)).toMatchInlineSnapshot(`
    "plan for ssh-gw.guest.internal:
      ~ file /etc/motd: rewrite
      + account tunnel: create, without password or shell
    127.0.0.1:9022 on ssh-gw.guest.internal (host-a): back within 10 s after a power cut, 20 s after a silent link, on a quick link
    1 to add, 1 to change, 0 to remove on 1 host"
  `)
  expect(printPlan({ hosts: [device], recoveries: [promise] }, plain)).toBe('plan: nothing to change')
})

test('what goes stands last of all changes, in red, and with the host that it goes from', () => {
  const hosts = [
    { ...gateway, changes: [gone, ...gateway.changes] },
    { ...device, changes: [unit] },
  ]
  expect(printPlan({ hosts, recoveries: [] }, plain)).toMatchInlineSnapshot(`
    "plan for ssh-gw.guest.internal:
      ~ file /etc/motd: rewrite
      + account tunnel: create, without password or shell
    plan for host-a:
      + systemd-units reverse-tunnel-*: write tunnel.service
    to be removed:
      - ssh-gw.guest.internal: file /etc/old: remove
    2 to add, 1 to change, 1 to remove on 2 hosts"
  `)
  const colored = printPlan({ hosts, recoveries: [] }, { ...plain, color: true })
  expect(colored).toContain('\x1b[31mto be removed:\x1b[39m\n  \x1b[31m-\x1b[39m ssh-gw.guest.internal: file /etc/old')
  expect(colored).toContain('\x1b[32m+\x1b[39m account tunnel')
  expect(colored).toContain('\x1b[33m~\x1b[39m file /etc/motd')
})

test('what is done alike on many hosts is said once, and so is what is promised alike', () => {
  const hosts = fleet(12, () => [unit, gone])
  const recoveries = hosts.map(({ name }, at) => ({ ...promise, device: name, port: 9001 + at }))
  const away = hosts.map(({ name }, at) => ({ device: name, seconds: at === 3 ? 12 : 10, undone: 100 }))
  expect(printPlan({ hosts, recoveries, away }, plain)).toMatchInlineSnapshot(`
    "plan for pi1, pi2, pi3 and 9 more (12 hosts):
      + systemd-units reverse-tunnel-*: write tunnel.service
    to be removed:
      - pi1, pi2, pi3 and 9 more (12 hosts): file /etc/old: remove
    127.0.0.1:9001 on ssh-gw.guest.internal (pi1), 127.0.0.1:9002 on ssh-gw.guest.internal (pi2), 127.0.0.1:9003 on ssh-gw.guest.internal (pi3) and 9 more: back within 10 s after a power cut, 20 s after a silent link, on a quick link
    pi1, pi2, pi3 and 8 more: the tunnel is down for at most 10 s during the change, 100 s if the change has to be undone
    pi4: the tunnel is down for at most 12 s during the change, 100 s if the change has to be undone
    12 to add, 0 to change, 12 to remove on 12 hosts; pi1, pi2, pi3 and 9 more away for at most 12 s"
  `)
})

test('a diff that many have alike is shown once, with how many they are', () => {
  const diffs = { ...plain, diffs: true }
  const same = printPlan({ hosts: fleet(12, () => [{ ...unit, diff: '+same\n' }]), recoveries: [] }, diffs)
  expect(same).toMatch(/\n {4}on 12 devices:\n {4}\+same\n/)
  expect(same.match(/\+same/g)).toHaveLength(1)
  const own = (at: number) => [{ ...unit, diff: at === 2 ? '+own\n' : '+same\n' }]
  expect(printPlan({ hosts: fleet(3, own), recoveries: [] }, diffs)).toMatchInlineSnapshot(`
    "plan for pi1, pi2, pi3:
      + systemd-units reverse-tunnel-*: write tunnel.service
        on 2 devices:
        +same
        on pi3:
        +own
    3 to add, 0 to change, 0 to remove on 3 hosts"
  `)
  expect(printPlan({ hosts: fleet(1, own), recoveries: [] }, diffs)).not.toMatch(/^ {4}on /m)
  expect(printPlan({ hosts: fleet(12, own), recoveries: [] }, plain)).not.toMatch(/\+(own|same)/)
})

test.each([80, 40])('on a terminal of %i columns no line is longer, and none is broken within a word', (columns) => {
  const hosts = [gateway, ...fleet(12, () => [unit, gone])]
  const away = [{ device: 'pi1', seconds: 10, undone: 100 }]
  const whole = printPlan({ hosts, recoveries: [promise], away }, plain)
  const text = printPlan({ hosts, recoveries: [promise], away }, { ...plain, columns })
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns)
  expect(text.split(/\s+/)).toEqual(whole.split(/\s+/))
  expect(printPlan({ hosts, recoveries: [], away }, { ...plain, columns: 0 }).split('\n').length).toBeLessThan(
    text.split('\n').length,
  )
})

test('a word that is longer than the line stays whole, and what was not known before stands as a change', () => {
  const path = `/etc/${'x'.repeat(60)}`
  const changes = [{ resource: `file ${path}`, summary: 'depends on a value that is not known yet' }]
  const text = printPlan({ hosts: [{ ...device, changes }], recoveries: [] }, { ...plain, columns: 40 })
  expect(text).toContain(`\n      ${path}:\n      depends on a value`)
  expect(text).toContain('0 to add, 1 to change, 0 to remove on 1\n    host')
})

test('what the link adds to a promise is told where it is not a quick one', () => {
  const line = (more: object) =>
    printPlan({ hosts: [gateway], recoveries: [{ ...promise, ...more }] }, plain)
      .split('\n')
      .at(-2)
      ?.replace(/^.*: /, '')
  expect(line({ roundTripMs: 60, linkSeconds: 0 })).toBe('back within 10 s after a power cut, 20 s after a silent link')
  const slow = { powerCut: 20, silentLink: 30, roundTripMs: 690, linkSeconds: 10 }
  expect(line(slow)).toBe(
    'back within 20 s after a power cut, 30 s after a silent link, 10 s of them for a link whose round trip takes up to 690 ms',
  )
  expect(line({ ...slow, wished: 25 })).toMatch(/ 690 ms; for the 25 s of "recoverWithin" write 15 here$/)
})
