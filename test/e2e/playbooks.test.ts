import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { outcomes, picture, type Rehearsal, rehearse, states, verified } from './kit.ts'

const [gateway, device, neighbour] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const tunnel = `reverse-tunnel-${gateway}.service`
const devices = (supervisor: string) => ({
  [device]: { forwards: ['127.0.0.1:9022:localhost:22'], supervisor },
  [neighbour]: { forwards: ['127.0.0.1:9023:localhost:22'] },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse({ login: picture.login, gateways: picture.gateways, devices: devices('autossh') })
})
afterAll(() => it?.down())

const inside = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout
const program = () => inside(device, `cat /proc/$(systemctl show -p MainPID --value ${tunnel})/comm`)
const host = ({ hosts }: Report, name: string) => hosts.find((found) => found.name === name)
const both = (outcome: string) => [`${device} ${outcome}`, `${neighbour} ${outcome}`]
const limited = ['--limit', '*.lan.internal']
const own = async (name: string, text: string) => {
  await writeFile(join(it.folder, name), text)
  return ['--playbook', join(it.folder, name), ...limited]
}

const greeting = `import { managedFile, on, playbook, systemdUnit, type Inventory } from 'provision'

const content = (name: string): string => \`hello from \${name}\\n\`

export default playbook(({ devices }: Inventory) => [
  on(devices, ({ name }) => [
    managedFile('/etc/greeting', { content: content(name), mode: '640' }),
    systemdUnit('greeting.service', {
      content: '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n',
    }),
  ]),
])
`

test('a playbook of your own in TypeScript makes files and services, and a second run has nothing to do', async () => {
  const words = [it.file, ...(await own('greeting.ts', greeting))]
  const before = await it.report([...words, '--check'])
  expect({ code: before.code, hosts: outcomes(before.report) }).toEqual({ code: 4, hosts: both('differs') })
  const { code, report } = await it.report(words)
  expect({ code, hosts: outcomes(report), forwards: report.forwards }).toEqual({
    code: 0,
    hosts: both('changed'),
    forwards: [],
  })
  expect(await inside(device, 'cat /etc/greeting; stat -c %a /etc/greeting; systemctl is-active greeting')).toBe(
    `hello from ${device}\n640\nactive\n`,
  )
  const again = await it.report(words)
  expect({ code: again.code, hosts: outcomes(again.report) }).toEqual({ code: 0, hosts: both('ok') })
})

test('what somebody changed since is found by verify, and repaired by the next run', async () => {
  const words = [it.file, ...(await own('greeting.ts', greeting))]
  await inside(device, 'echo drift >/etc/greeting')
  await inside(neighbour, 'systemctl disable --now --quiet greeting')
  const found = await it.report(['verify', ...words])
  expect({ code: found.code, hosts: outcomes(found.report) }).toEqual({ code: 4, hosts: both('differs') })
  expect(host(found.report, device)?.changes).toMatchObject([
    {
      resource: expect.stringContaining('/etc/greeting'),
      summary: 'rewrite',
      diff: expect.stringContaining('-drift\n+hello'),
    },
  ])
  expect(host(found.report, neighbour)?.changes).toMatchObject([{ summary: 'enable and start' }])
  expect(await inside(device, 'cat /etc/greeting')).toBe('drift\n')
  const { code, report } = await it.report(words)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: both('changed') })
  expect((await it.report(['verify', ...words])).code).toBe(0)
})

test('a playbook in JavaScript works alike; one that exports nothing is refused before anybody is contacted', async () => {
  const script = `import { managedFile, on, playbook } from 'provision'
export default playbook(({ devices }) => [on(devices, () => [managedFile('/etc/plain', { content: 'plain\\n' })])])
`
  const { code, report } = await it.report([it.file, ...(await own('plain.js', script))])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: both('changed') })
  expect(await inside(device, 'cat /etc/plain')).toBe('plain\n')
  const nothing = await it.provision([it.file, ...(await own('nothing.js', 'export const x = 1\n'))])
  expect(nothing).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('its default export is not a playbook'),
  })
})

test('a service that does not start is undone, with what it said', async () => {
  const start = 'ExecStart=/bin/sleep infinity'
  const broken = greeting.replace(start, `ExecStartPre=/bin/sh -c "echo no printer here; exit 3"\\n${start}`)
  const settled = broken.replace('}),\n  ]),', '  settle: 1,\n    }),\n  ]),')
  const { code, report } = await it.report([it.file, ...(await own('broken.ts', settled))])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: both('undone') })
  const { message } = host(report, device)?.error ?? {}
  expect(message).toContain('activate of systemd-unit greeting.service failed')
  expect(message).toContain('no printer here')
  expect(await inside(device, 'systemctl is-active greeting; grep Exec /etc/systemd/system/greeting.service')).toBe(
    `active\n${start}\n`,
  )
})

/** Holds the lock that apt and dpkg take, as they do (fcntl), until it is told to let go. */
const lock = `use Fcntl; open(F, "+>", "/var/lib/dpkg/lock-frontend") or die;
  $all = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $all) or die;
  select(undef, undef, undef, 0.05) until -e "/run/release"`

test('supervisor autossh waits for the apt lock, installs autossh there and nowhere else', async () => {
  await it.lab.machine(device).exec(['systemd-run', '--quiet', '--unit', 'apt-holder', 'perl', '-e', lock])
  const running = it.report([it.file], { timeoutMs: 100_000 })
  await inside(device, `timeout 60 sh -c 'until pgrep -f "[a]pt-get .*--yes"; do sleep 0.1; done'`)
  expect(await inside(device, 'systemctl is-active apt-holder; command -v autossh')).toBe('active\n')
  await inside(device, 'touch /run/release')
  const { code, report } = await running
  const error = host(report, device)?.error
  expect({ code, error, states: states(report) }).toEqual({ code: 0, error: undefined, states: ['ok', 'ok'] })
  expect(host(report, device)?.changes).toContainEqual(
    expect.objectContaining({ resource: 'package autossh', summary: 'install' }),
  )
  expect(await program()).toBe('autossh\n')
  expect(await inside(neighbour, 'command -v autossh || echo none')).toBe('none\n')
  const again = await it.report([it.file])
  expect(outcomes(again.report)).toEqual([`${gateway} ok`, ...both('ok')])
})

test('autossh dials again when its ssh is gone', async () => {
  const dialled = 'pgrep -u reverse-tunnel -x ssh'
  const before = (await inside(device, dialled)).trim()
  expect(before).toMatch(/^\d+$/)
  const another = `until now=$(${dialled}) && [ "$now" != ${before} ]; do sleep 0.1; done`
  await inside(device, `kill -KILL ${before}; timeout 30 sh -c '${another}'`)
  await verified(it)
  expect((await inside(device, dialled)).trim()).not.toBe(before)
})

test('back to systemd alone, the tunnel is another program and still the same door', async () => {
  await it.rewrite({ login: picture.login, gateways: picture.gateways, devices: devices('systemd') })
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${device} changed`, `${neighbour} ok`],
    states: ['ok', 'ok'],
  })
  expect(await program()).toBe('ssh\n')
})
