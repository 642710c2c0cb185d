import { systemdUnit } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const content = '[Service]\nExecStart=/bin/sleep 1d\n'
const resource = systemdUnit('reverse-tunnel-gw.service', { content, settle: 5 })
const file = `file 644 root root\n${content}`
const late = systemdUnit('reverse-tunnel-gw.service', { content: (seen) => seen.of('gw', 'x') })

cases('systemd-unit', {
  converged: { resource, now: `enabled\nrunning\n${file}` },
  absent: { resource, now: 'disabled\nstopped\nabsent\n' },
  changed: { resource, now: `enabled\nrunning\nfile 644 root root\n[Service]\nExecStart=/bin/true\n` },
  'enabled-but-stopped': { resource, now: `enabled\nstopped\n${file}` },
  'running-but-disabled': { resource, now: `disabled\nrunning\n${file}` },
  'other-owner': { resource, now: `enabled\nrunning\nfile 644 user001 user001\n${content}` },
  'masked-refused': { resource, now: 'disabled\nstopped\nother symbolic link\n' },
  later: { resource: late, now: 'disabled\nstopped\nabsent\n' },
})
