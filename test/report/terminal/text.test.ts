import { afterEach, expect, test, vi } from 'vitest'
import { clean } from '../../../src/report/inert.ts'
import type { ForwardReport, HostReport } from '../../../src/report/report.ts'
import { printPlan } from '../../../src/report/terminal/plan.ts'
import { printReport } from '../../../src/report/terminal/text.ts'
import { device, forward, gateway, report } from '../report-of.ts'

afterEach(() => vi.unstubAllEnvs())

const plain = { color: false, diffs: false }
test('a run that went well is a line for each host, a line for each forward, and a sentence', () => {
  expect(printReport(report(), plain)).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  changed     1.3 s, 2 changes
    host-a                 ok          0.4 s via its forward
    127.0.0.1:9022 on ssh-gw.guest.internal  answers as host-a SHA256:abc, 45 ms
    provisioned: 1 changed, 1 ok; 1 of 1 forward reaches its device, 3.1 s
    "
  `)
})

test('an undo says which run it takes back, and whose', () => {
  const takesBack = { run: '20261124062231-4ac8ne', who: 'root on admin, process 7, since 2026-11-24T06:22:31.120Z' }
  const changes = [{ resource: 'file /etc/motd', summary: 'undo of: rewrite' }]
  expect(printPlan({ hosts: [{ ...gateway, takesBack, changes }], recoveries: [] }, plain)).toMatchInlineSnapshot(`
    "plan for ssh-gw.guest.internal: undo run 20261124062231-4ac8ne of root on admin, process 7, since 2026-11-24 06:22:31
      ~ file /etc/motd: undo of: rewrite
    0 to add, 1 to change, 0 to remove on 1 host"
  `)
  const hosts = [{ ...gateway, outcome: 'differs' as const, takesBack, changes }, device]
  const check = report({ command: 'undo-check', hosts, forwards: [] })
  expect(printReport(check, { ...plain, diffs: true })).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  differs     1.3 s, 1 change
    host-a                 ok          0.4 s via its forward
    plan for ssh-gw.guest.internal: undo run 20261124062231-4ac8ne of root on admin, process 7, since 2026-11-24 06:22:31
      ~ file /etc/motd: undo of: rewrite
    0 to add, 1 to change, 0 to remove on 1 host
    checked, nothing was touched: 1 differs, 1 ok, 3.1 s
    "
  `)
  expect(
    printReport(report({ command: 'undo', hosts: [{ ...gateway, takesBack, changes }] }), plain),
  ).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  changed     1.3 s, 1 change
    127.0.0.1:9022 on ssh-gw.guest.internal  answers as host-a SHA256:abc, 45 ms
    undone: 1 changed; 1 of 1 forward reaches its device, 3.1 s
    "
  `)
})

test('a verify says what differs, in a line for each', () => {
  const changes = [{ resource: 'file /etc/motd', summary: 'rewrite', diff: '-a\n+b\n' }]
  const hosts = [{ ...gateway, outcome: 'differs' as const, changes }]
  expect(printReport(report({ command: 'verify', hosts, forwards: [] }), plain)).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  differs     1.3 s, 1 change
      ~ file /etc/motd: rewrite
    verified: 1 differs, 3.1 s
    "
  `)
})

test('what went wrong stands right below its line, with what to do now', () => {
  const hosts: HostReport[] = [
    {
      ...gateway,
      outcome: 'rejected',
      changes: [],
      error: { message: 'file /etc/motd: is a link\nsecond line', hint: 'move it away' },
    },
    { ...device, outcome: 'unreachable', via: 'ssh-gw.guest.internal', error: { message: 'no route to host' } },
  ]
  const forwards: ForwardReport[] = [
    { ...forward, state: 'stale', error: { message: 'the port is open, but nothing answers', hint: 'wait' } },
    { ...forward, bindAddress: '::1', port: 9024, state: 'no-tunnel' },
  ]
  expect(printReport(report({ hosts, forwards, exitCode: 3 }), plain)).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  rejected    1.3 s
      file /etc/motd: is a link
      second line
      hint: move it away
    host-a                 unreachable 0.4 s via ssh-gw.guest.internal
      no route to host
    127.0.0.1:9022 on ssh-gw.guest.internal  stale (host-a)
      the port is open, but nothing answers
      hint: wait
    [::1]:9024 on ssh-gw.guest.internal  no-tunnel (host-a)
    provisioned: 1 rejected, 1 unreachable; 0 of 2 forwards reach their device, 3.1 s
    "
  `)
})

test('every outcome is counted in the last sentence', () => {
  const bad = ['rejected', 'undone', 'undo-failed', 'unreachable', 'unknown'] as const
  const outcomes = ['ok', 'changed', 'differs', ...bad, 'ok'] as const
  const hosts = outcomes.map((outcome): HostReport => ({ ...device, outcome }))
  expect(
    printReport(report({ hosts, forwards: [] }), plain)
      .trim()
      .split('\n')
      .at(-1),
  ).toMatchInlineSnapshot(
    `"provisioned: 1 changed, 1 differs, 2 ok, 1 rejected, 1 undone, 1 undo-failed, 1 unreachable, 1 unknown, 3.1 s"`,
  )
})

test.each(['apply', 'check', 'verify'] as const)('the last sentence of %s says what was done', (command) => {
  const last = printReport(report({ command, hosts: [], forwards: [] }), plain)
  const said = { apply: 'provisioned', check: 'checked, nothing was touched', verify: 'verified' }[command]
  expect(last).toBe(`${said}: no hosts, 3.1 s\n`)
})

test('a check shows the plan below its hosts; with diffs, every change as a patch', () => {
  expect(printReport(report({ command: 'check' }), plain)).not.toContain('@@')
  expect(printReport(report({ command: 'check' }), { color: false, diffs: true })).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  changed     1.3 s, 2 changes
    host-a                 ok          0.4 s via its forward
    127.0.0.1:9022 on ssh-gw.guest.internal  answers as host-a SHA256:abc, 45 ms
    plan for ssh-gw.guest.internal:
      ~ file /etc/motd: rewrite
        --- /etc/motd	now
        +++ /etc/motd	wanted
        @@ -1,1 +1,1 @@
        -old
        +new
      + account tunnel: create, without password or shell
    1 to add, 1 to change, 0 to remove on 1 host
    checked, nothing was touched: 1 changed, 1 ok; 1 of 1 forward reaches its device, 3.1 s
    "
  `)
})

test('a forward that had to be waited for says how long', () => {
  const late = { ...forward, waited: 7.04 }
  expect(printReport(report({ forwards: [late] }), plain)).toContain(
    'answers as host-a SHA256:abc, 45 ms, after 7.0 s of waiting\n',
  )
  const { hostKey: _, latencyMs: __, ...dead } = { ...late, state: 'no-tunnel' as const }
  expect(printReport(report({ forwards: [dead] }), plain)).toContain('no-tunnel (host-a), after 7.0 s of waiting\n')
})

test('colour only repeats what the word says', () => {
  const colored = printReport(report(), { color: true, diffs: true })
  expect(colored).toContain('\x1b[33mchanged')
  expect(colored.replaceAll(/\x1b\[\d+m/g, '')).toBe(printReport(report(), { color: false, diffs: true }))
})

test('control characters that a host sent do not reach the terminal', () => {
  const evil = 'a\x1b]0;title\x07b\x1b[2Jc\x9bd\r\ne\tf\rg\0h\x7f'
  expect(clean(evil)).toBe('a]0;titleb[2Jcd\ne\tf\ngh')
  const hosts: HostReport[] = [
    {
      ...device,
      outcome: 'undone',
      changes: [{ resource: 'file x', summary: 'rewrite', diff: `-${evil}\n` }],
      error: { message: evil, hint: evil },
    },
  ]
  const forwards = [{ ...forward, state: 'unverified' as const, error: { message: evil, hint: evil } }]
  for (const diffs of [true, false]) {
    expect(printReport(report({ hosts, forwards }), { color: false, diffs })).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/)
    expect(printPlan({ hosts, recoveries: [] }, { color: false, diffs })).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/)
  }
})

test('control characters in the summary of a change do not reach the terminal', () => {
  const changes = [{ resource: 'account tunnel', summary: 'change shell from \x1b]0;x\x07/bin/sh to /bin/bash' }]
  expect(printPlan({ hosts: [{ ...device, changes }], recoveries: [] }, plain)).not.toMatch(/\x1b/)
})

test('as JSON the report is the document itself, and can be read back', () => {
  expect(JSON.parse(JSON.stringify(report()))).toEqual(report())
})

test('of many attempts those that were refused are one line, and what worked has its own', () => {
  const of = 'attempts with its key on ssh-gw'
  const holds = ['a shell', 'sftp', '-D'].map(
    (words) => ({ host: 'host-a', what: `ssh-gw refuses its key ${words}`, state: 'holds', of }) as const,
  )
  const works = {
    ...({ host: 'host-a', what: 'ssh-gw refuses its key -R at 0.0.0.0', state: 'fails', of } as const),
    error: { message: 'other machines reached the port', hint: 'ssh-gw should have refused this by GatewayPorts' },
  }
  const untried = ['a shell', 'sftp'].map(
    (words) =>
      ({
        ...({ host: 'host-b', what: `ssh-gw refuses its key ${words}`, state: 'untried', of } as const),
        error: { message: 'the host could not be asked' },
      }) as const,
  )
  const printed = printReport(report({ hosts: [], forwards: [], proofs: [...holds, works, ...untried] }), plain)
  expect(printed).toMatchInlineSnapshot(`
    "host-a  proved: 3 attempts with its key on ssh-gw were refused
    host-a  fails: ssh-gw refuses its key -R at 0.0.0.0
      other machines reached the port
      hint: ssh-gw should have refused this by GatewayPorts
    host-b  untried: 2 attempts with its key on ssh-gw
      the host could not be asked
    provisioned: no hosts, 3.1 s
    "
  `)
  const each = printReport(report({ hosts: [], forwards: [], proofs: holds }), { color: false, diffs: true })
  expect(each.split('\n').filter((line) => line.includes('proved: ssh-gw refuses its key'))).toHaveLength(3)
})

test('a drill is a table of what was promised and what was measured', () => {
  const on = { host: 'host-a' } as const
  const faults = [
    { ...on, name: 'kill', title: 'ssh client killed', promised: 10, seconds: 1.3, verdict: 'kept' },
    { ...on, name: 'network', title: 'no network for 60 s', promised: 20, seconds: 21, verdict: 'late' },
    {
      ...on,
      name: 'freeze',
      title: 'ssh client frozen',
      promised: 15,
      verdict: 'never',
      error: { message: 'it did not' },
    },
    { ...on, name: 'port', title: 'port 9022 taken for 10 s', verdict: 'untried', error: { message: 'it ended' } },
  ] as const
  expect(printReport(report({ command: 'drill', hosts: [], forwards: [], faults }), plain)).toMatchInlineSnapshot(`
    "fault                     promised  measured  verdict
    ssh client killed             10 s     1.3 s  kept
    no network for 60 s           20 s    21.0 s  late
    ssh client frozen             15 s         -  never
      it did not
    port 9022 taken for 10 s         -         -  untried
      it ended
    drilled: 1 of 4 promises kept, 3.1 s
    "
  `)
})

test('on a narrow terminal no sentence breaks within a word; the times in it are those of whoever reads it', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  const error = {
    message: 'root on admin, since 2026-11-24T23:32:45.120Z, holds this host',
    hint: 'wait until that is over',
  }
  const hosts = [gateway, { ...device, outcome: 'unreachable' as const, error }]
  expect(printReport(report({ hosts, forwards: [] }), { ...plain, columns: 40 })).toMatchInlineSnapshot(`
    "ssh-gw.guest.internal  changed     1.3 s, 2 changes
    host-a                 unreachable 0.4 s via its forward
      root on admin, since 2026-11-25
        08:32:45, holds this host
      hint: wait until that is over
    provisioned: 1 changed, 1 unreachable,
        3.1 s
    "
  `)
})
