import type { ForwardReport, HostReport, Report } from '../../src/report/report.ts'

const diff = '--- /etc/motd\tnow\n+++ /etc/motd\twanted\n@@ -1,1 +1,1 @@\n-old\n+new\n'

/** A gateway with two changes. */
export const gateway: HostReport = {
  name: 'ssh-gw.guest.internal',
  role: 'gateway',
  outcome: 'changed',
  via: 'direct',
  seconds: 1.25,
  resources: [],
  changes: [
    { resource: 'file /etc/motd', summary: 'rewrite', effect: 'change', diff },
    { resource: 'account tunnel', summary: 'create, without password or shell', effect: 'add' },
  ],
}

/** A device as it should be, that was reached through its forward. */
export const device: HostReport = {
  name: 'host-a',
  role: 'device',
  outcome: 'ok',
  via: 'forward',
  seconds: 0.4,
  resources: [],
  changes: [],
}

/** The forward of that device, which answers. */
export const forward: ForwardReport = {
  device: 'host-a',
  gateway: 'ssh-gw.guest.internal',
  bindAddress: '127.0.0.1',
  port: 9022,
  state: 'ok',
  hostKey: 'SHA256:abc',
  latencyMs: 45,
}

/** A run of both that went well. */
export const report = (more: Partial<Report> = {}): Report => ({
  version: 1,
  command: 'apply',
  inventory: 'guest-lan.json',
  seconds: 3.14,
  exitCode: 0,
  hosts: [gateway, device],
  forwards: [forward],
  recoveries: [],
  wire: { connections: 4, execs: 5 },
  ...more,
})
