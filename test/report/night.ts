import type { ForwardReport, HostReport, Report, Source } from '../../src/report/report.ts'

/** A night on which nearly everything happened, as a report. */

export const diff = '--- /etc/motd\tnow\n+++ /etc/motd\twanted\n@@ -1,1 +1,1 @@\n-old <b>\n+new & "good"\n'
const host = (name: string, outcome: HostReport['outcome'], more: Partial<HostReport> = {}): HostReport => ({
  ...{ name, role: 'device', outcome, via: 'direct', seconds: 0.5, resources: [], changes: [] },
  ...more,
})
const forward = (device: string, port: number, more: Partial<ForwardReport> = {}): ForwardReport => ({
  ...{ device, gateway: 'ssh-gw', bindAddress: '127.0.0.1', port, state: 'ok', hostKey: 'SHA256:abc', latencyMs: 45 },
  ...more,
})

export const at = new Date('2026-11-24T03:00:05.250Z')

export const night: Report = {
  version: 1,
  command: 'verify',
  inventory: 'fleet.json',
  seconds: 12.5,
  exitCode: 3,
  hosts: [
    host('ssh-gw', 'ok', { role: 'gateway', resources: ['account tunnel', 'file /etc/motd'] }),
    host('pi-drift', 'differs', {
      resources: ['file /etc/motd', 'package autossh'],
      changes: [{ resource: 'file /etc/motd', summary: 'rewrite', diff }],
    }),
    host('pi-off', 'unreachable', { error: { message: 'no route worked', hint: 'is it switched on?' } }),
    host('pi-odd', 'rejected', { resources: ['file /etc/motd'], error: { message: 'file /etc/motd: is a link' } }),
  ],
  forwards: [
    forward('pi-drift', 9001, { lastProof: '2026-11-24T03:00:01.000Z' }),
    forward('pi-drift', 9101, {
      lastProof: '2026-11-24T03:00:04.000Z',
      unchecked: 'there was no login: the login was refused',
    }),
    {
      ...{ device: 'pi-off', gateway: 'ssh-gw', bindAddress: '::1', port: 9002, state: 'stale' },
      lastProof: '2026-11-23T03:00:01.000Z',
      error: { message: 'the port is open, but nothing answers', hint: 'wait' },
    },
    {
      ...{ device: 'pi-odd', gateway: 'ssh-gw', bindAddress: '127.0.0.1', port: 9003, state: 'unverified' },
      error: { message: 'no' },
    },
  ],
  recoveries: [],
  proofs: [
    { host: 'ssh-gw', what: 'no shell', state: 'holds' },
    { host: 'ssh-gw', what: 'no shell', state: 'fails', error: { message: 'it said: root' } },
    { host: 'pi-off', what: 'no sftp', state: 'untried', error: { message: 'the host could not be asked' } },
  ],
  unchecked: [{ host: 'pi-away', what: 'nobody logged in to look' }],
  wire: { connections: 4, execs: 4 },
}

const lines = ['ssh-gw', 'pi-drift', 'pi-off', 'pi-odd', 'pi-away']
export const source: Source = {
  file: 'sites/fleet.json',
  host: (name) => (lines.includes(name) ? { line: 10 * (lines.indexOf(name) + 1), column: 5 } : undefined),
  forward: ({ port }) => (port === 9003 ? undefined : { line: port - 8000, column: 9 }),
}

/** The same night with that text in every place that a host may have its say in. */
export function spokenBy(text: string): Report {
  const error = { message: text, hint: text }
  return {
    ...night,
    hosts: night.hosts.map((each) => ({
      ...each,
      ...(each.outcome === 'ok' ? {} : { error }),
      changes: each.changes.map(({ resource }) => ({ resource, summary: text, diff: text })),
    })),
    forwards: night.forwards.map((each) => ({ ...each, ...(each.state === 'ok' ? { unchecked: text } : { error }) })),
    proofs: night.proofs?.map((each) => ({ ...each, error })) ?? [],
    unchecked: [{ host: 'pi-away', what: text }],
    pending: [text],
  }
}
