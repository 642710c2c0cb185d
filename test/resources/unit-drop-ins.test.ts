import { expect, test } from 'vitest'
import { overrule } from '../../src/resources/unit-drop-ins.ts'

const service = `# provision k7w2m9qd
[Unit]
StartLimitIntervalSec=0

[Service]
Type=forking
ExecStart=/usr/bin/ssh -f
Restart=always
RestartSec=200ms
TimeoutStartSec=18
User=reverse-tunnel
LoadCredential=key:/etc/key
`
const socket =
  '# provision k7w2m9qd\n[Unit]\nStartLimitIntervalSec=0\n[Socket]\nListenStream=127.0.0.1:9022\nFreeBind=yes\n'
const units = new Map([
  ['t-gw.service', service],
  ['t-9022.socket', socket],
])

/** The lines that a drop-in of ours says again for the first unit that needs one. */
function saysAgain(...rows: readonly string[]): string[] {
  const found = overrule(rows.map((row) => `@drop-in ${row}\n`).join(''), units, [])
  if ('refused' in found) return [found.refused]
  return [...found.write].flatMap(([unit, text]) => [unit, ...text.split('\n').slice(1, -1)])
}
const override = '/etc/systemd/system/t-gw.service.d/override.conf'

test.each([
  ['the same in other words', 'TimeoutStartSec=0min 18s'],
  ['a little more of a pause', 'RestartSec=1'],
  ['less of a pause', 'RestartSec=50ms'],
  ['one more credential', 'LoadCredential=other:/etc/other'],
  ['what the unit does not have', 'BindIPv6Only=both'],
  ['a limit that is none', 'StartLimitInterval=0'],
])('%s is no difference: %s', (_, row) => {
  expect(saysAgain(`${override}:${row}`)).toEqual([])
})

test.each([
  ['Restart=on-failure', ['[Service]', 'Restart=always']],
  ['RestartSec=1min', ['[Service]', 'RestartSec=200ms']],
  ['RestartSec=infinity', ['[Service]', 'RestartSec=200ms']],
  ['RestartSec=', ['[Service]', 'RestartSec=200ms']],
  ['TimeoutStartSec=2', ['[Service]', 'TimeoutStartSec=18']],
  ['StartLimitIntervalSec=10s', ['[Unit]', 'StartLimitIntervalSec=0']],
  ['RestartPreventExitStatus=255', ['[Service]', 'RestartPreventExitStatus=']],
  ['ExecCondition=/bin/false', ['[Service]', 'ExecCondition=']],
  ['User=root', ['[Service]', 'User=reverse-tunnel']],
  ['ExecStart=/bin/true', ['[Service]', 'ExecStart=', 'ExecStart=/usr/bin/ssh -f']],
  ['  LoadCredential = ', ['[Service]', 'LoadCredential=', 'LoadCredential=key:/etc/key']],
])('%s is one', (row, lines) => {
  expect(saysAgain(`${override}:${row}`)).toEqual(['t-gw.service', ...lines])
})

test('it counts for a unit when its folder is that of the unit, of its kind, or of how its name begins', () => {
  const from = (folder: string) => saysAgain(`/etc/systemd/system/${folder}.d/x.conf:StartLimitIntervalSec=9`)[0]
  expect(['t-gw.service', 't-.service', 'service', 't-9022.socket', 'socket'].map(from)).toEqual([
    ...['t-gw.service', 't-gw.service', 't-gw.service', 't-9022.socket', 't-9022.socket'],
  ])
  expect(['t-other.service', 'timer', 's-.service', 't-gw-.service'].map(from)).toEqual(Array(4).fill(undefined))
})

test('one more port of a socket is one', () => {
  expect(saysAgain('/run/systemd/system/t-9022.socket.d/all.conf:ListenStream=9022')).toEqual([
    't-9022.socket',
    ...['[Socket]', 'ListenStream=', 'ListenStream=127.0.0.1:9022'],
  ])
})

test('the last file by name counts, and of one name the nearest', () => {
  const all = '/etc/systemd/system/service.d'
  expect(saysAgain(`${all}/a.conf:Restart=no`, `${override}:Restart=always`)).toEqual([])
  expect(saysAgain(`${all}/z.conf:Restart=no`, `${override}:Restart=always`)).not.toEqual([])
  expect(saysAgain(`${all}/override.conf:Restart=no`, `${override}:Restart=always`)).toEqual([])
  expect(saysAgain('/usr/lib/systemd/system/service.d/z.conf:Restart=no', `${all}/z.conf:Restart=always`)).toEqual([])
})
