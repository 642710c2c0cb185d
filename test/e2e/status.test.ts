import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import type { StatusReport } from '../../src/report/status/status.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'
import { stateOf } from './state-of.ts'
import { booted, gateway, gone, inventory, ok, shared, stale } from './status/fleet.ts'

const unit = `reverse-tunnel-${gateway}.service`

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(booted)
  const { code, stderr, report } = await it.report([it.file])
  expect({ code, stderr: code === 0 ? '' : stderr, hosts: outcomes(report) }).toMatchObject({ code: 0 })
  await it.rewrite(inventory)
})
afterAll(() => it?.down())

const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
async function status(...words: string[]) {
  const { code, stdout, stderr } = await it.provision(['status', it.file, '--json', ...words])
  if (!stdout.startsWith('{')) throw new Error(`no status, exit code ${code}: ${stderr}`)
  return { code, report: JSON.parse(stdout) as StatusReport }
}
const of = ({ forwards }: StatusReport, port: number) => forwards.find((forward) => forward.port === port)
/** Seconds before the look. */
const age = ({ at }: StatusReport, time: string | undefined) => (Date.parse(at) - Date.parse(time ?? '')) / 1000
/** Of the machine that looks, which all lab machines share. */
const now = () => Date.now() / 1000

test('tunnels that are there cost the gateway one exec, and each device its proof; nothing is changed', async () => {
  const before = await stateOf(it.lab.machine(gateway))
  const { code, report } = await status()
  expect(report.forwards.map(({ device, port, state }) => `${device} ${port} ${state}`)).toEqual([
    `${ok} 9022 ok`,
    `${gone} 9023 ok`,
    `${gone} 9033 ok`,
    `${stale} 9024 ok`,
    `${shared} 9025 ok`,
  ])
  expect({ code, wire: report.wire, without: report.without }).toEqual({
    code: 0,
    wire: { connections: 6, execs: 6 },
    without: ['alone.lan.internal'],
  })
  expect(report.gateways).toMatchObject([
    { name: gateway, state: 'ok', runsOn: { os: expect.stringContaining('Debian'), sshd: 'OpenSSH_10.0' } },
  ])
  expect(age(report, report.gateways[0]?.since)).toBeLessThan(300)
  for (const forward of report.forwards) {
    expect(forward).toMatchObject({
      runsOn: { os: expect.stringContaining('Debian'), sshd: expect.stringContaining('OpenSSH_10.0p2') },
      session: { from: expect.stringMatching(/^10\.77\./) },
      since: forward.session?.since,
    })
    expect(age(report, forward.since)).toBeGreaterThan(0)
    expect(age(report, forward.since)).toBeLessThan(240)
    expect(forward).not.toHaveProperty('next')
    expect(forward).not.toHaveProperty('holder')
  }
  expect(of(report, 9022)?.recovery).toEqual({
    ...{ powerCut: 10, silentLink: 20, frozenClient: 15 },
    ...{ roundTripMs: 60, linkSeconds: 0 },
  })
  // Where sshd itself owns the port a dead session holds it for a while: the gateway's version says how long.
  expect(of(report, 9025)?.recovery?.powerCut).toBe(20)
  expect(await stateOf(it.lab.machine(gateway))).toEqual(before)
  // Where nobody may call the devices themselves, nothing is different.
  const guest = await it.provision(['status', it.file], { from: 'guest' })
  expect(guest).toMatchObject({ code: 0, stdout: expect.stringContaining('5 of 5 forwards reach their device') })
})

test('--watch looks again on the same connection to the gateway, opens a new one when that is lost, and ends with Ctrl-C', async () => {
  const words = ['status', it.file, '--limit', ok, '--watch', '--interval', '1', '--json']
  const child = it.spawn(words, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (!child.stdout) throw new Error('nothing to read from')
  const looks: StatusReport[] = []
  createInterface({ input: child.stdout }).on('line', (line) => looks.push(JSON.parse(line)))
  const look = async (count: number) => until(async () => looks[count - 1], { timeoutMs: 40_000 })
  expect((await look(1))?.wire).toEqual({ connections: 2, execs: 2 })
  expect((await look(2))?.wire).toEqual({ connections: 1, execs: 2 })
  await inside(gateway, 'kill $(pgrep -u user001 sshd)')
  const seen = looks.length
  const again = await until(async () => looks.slice(seen - 1).find(({ wire }) => wire.connections > 1), {
    timeoutMs: 40_000,
  })
  expect(again).toMatchObject({ exitCode: 0, forwards: [{ state: 'ok' }] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  expect(await ended).toBe(130)
})

test('on a terminal --watch leaves everything as it was', async () => {
  const command = [process.execPath, join(import.meta.dirname, '../../bin/provision.js'), 'status', it.file]
  const line = [...command, '--limit', ok, '--watch', '--interval', '1'].join(' ')
  const child = it.lab.spawn(['script', '-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let screen = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    screen += text
  })
  const drawn = async () => screen.split('\x1b[H').length > 2 || undefined
  expect(await until(drawn, { timeoutMs: 40_000 })).toBe(true)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.write('\x03')
  expect(await ended).toBe(130)
  expect(screen.startsWith('\x1b[?1049h\x1b[?25l\x1b[H')).toBe(true)
  expect(screen.replaceAll(/\x1b\[\d+m/g, '')).toMatch(new RegExp(`\\n${ok} +ok +\\d+ s +now `))
  // The terminal shows what was typed.
  expect(screen.replace('^C', '')).toMatch(/\x1b\[J\x1b\[\?25h\x1b\[\?1049l$/)
})

test('a gateway that lets nobody read is no reason not to prove', async () => {
  await inside(gateway, 'mv /etc/sudoers.d/lab /root/')
  onTestFinished(() => void inside(gateway, 'mv /root/lab /etc/sudoers.d/'))
  const { code, report } = await status('--limit', ok)
  expect({ code, states: report.forwards.map(({ state }) => state) }).toEqual({ code: 0, states: ['ok'] })
  expect(report.gateways).toMatchObject([
    { state: 'unread', error: { message: 'sudo requires the password of user001' } },
  ])
  expect(of(report, 9022)).not.toHaveProperty('since')
})

describe('what is not there', () => {
  const times: Record<string, number> = {}
  let broken: { code: number; report: StatusReport }
  let page: string

  beforeAll(async () => {
    const imposter = `/usr/sbin/sshd -D -p 9033 -o ListenAddress=127.0.0.1 -o HostKey=/root/other -o PidFile=/run/other.pid`
    const breaks = {
      gone: () => inside(gone, `systemctl stop ${unit}`),
      shared: () => inside(shared, `systemctl stop ${unit}`),
      // Else it would be killed before anybody saw it.
      stale: () =>
        inside(stale, `systemctl stop ${unit.replace('.service', '-check')}; systemctl kill --signal=STOP ${unit}`),
      wrong: () =>
        inside(
          gateway,
          `systemctl stop reverse-tunnel-127.0.0.1_9033.socket; ssh-keygen -q -t ed25519 -N '' -f /root/other
           systemd-run --quiet --unit other-sshd ${imposter}
           until ss -Hltn | grep -q 127.0.0.1:9033; do sleep 0.05; done`,
        ),
    }
    await Promise.all(
      Object.entries(breaks).map(async ([name, act]) => {
        await act()
        times[name] = now()
      }),
    )
    const file = join(it.folder, 'status.html')
    broken = await status('--html', file)
    page = await readFile(file, 'utf8')
  })

  /** Within the seconds that the act itself and a busy machine may take. */
  const since = (port: number, name: string, before = 15) => {
    const seconds = Date.parse(of(broken.report, port)?.since ?? '') / 1000 - (times[name] ?? 0)
    expect(seconds).toBeGreaterThan(-before)
    expect(seconds).toBeLessThan(5)
  }

  test('makes exit code 1; who is there is still ok', () => {
    expect(broken.code).toBe(1)
    expect(of(broken.report, 9022)?.state).toBe('ok')
    expect(broken.report.forwards.filter(({ state }) => state !== 'ok').map(({ next }) => next)).toEqual(
      [gone, gone, stale, shared].map((name) => `provision doctor ${it.file} --device ${name}`),
    )
  })

  test('a tunnel that is gone, since when, and when it was proved last', () => {
    expect(of(broken.report, 9023)).toMatchObject({ state: 'no-tunnel', lastProof: expect.any(String) })
    expect(of(broken.report, 9023)).not.toHaveProperty('session')
    since(9023, 'gone')
  })

  test('the same where devices share an account: sshd’s log tells them apart by their keys', () => {
    expect(of(broken.report, 9025)?.state).toBe('no-tunnel')
    since(9025, 'shared')
  })

  test('one that is frozen, silent since it was heard last', () => {
    expect(of(broken.report, 9024)).toMatchObject({ state: 'stale', session: { from: expect.any(String) } })
    since(9024, 'stale')
  })

  test('a port that another program has taken, which one, since when', () => {
    expect(of(broken.report, 9033)).toMatchObject({
      state: 'wrong-device',
      holder: expect.stringMatching(/^sshd, process \d+$/),
      unit: 'reverse-tunnel-127.0.0.1_9033.socket is inactive',
    })
    since(9033, 'wrong')
  })

  test('the look asked the gateway once, whatever it found', () => {
    // Of the proofs two came to a login, and one to another key; two devices could not be asked.
    expect(broken.report.wire).toEqual({ connections: 3, execs: 2 })
  })

  test('the page says the same', () => {
    expect(page).toContain('<h1>1 of 5 forwards reaches its device</h1>')
    expect(page).toContain(`<code>provision doctor ${it.file} --device ${stale}</code>`)
  })

  test('in words: the worst first, what was seen, what to do', async () => {
    const { code, stdout } = await it.provision(['status', it.file, '--limit', 'g*'])
    expect(code).toBe(1)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(new RegExp(`^${gateway}  ok  Debian .*, OpenSSH 10.0, up `))
    expect(lines[1]).toMatch(/^DEVICE +STATE +SINCE +PROVED +PORT +FROM +BACK WITHIN +RUNS ON$/)
    expect(lines[2]).toMatch(new RegExp(`^${gone} +wrong-device +\\d+ s +\\d+ .* ago +127.0.0.1:9033 on ${gateway}`))
    expect(lines).toContain(`  next: provision doctor ${it.file} --device ${gone}`)
    expect(stdout).not.toContain(shared)
    expect(lines.at(-2)).toMatch(/^0 of 2 forwards reach their device, \d+\.\d s$/)
  })
})

test('a device whose own sshd is down keeps its tunnel', async () => {
  await inside(ok, 'systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service')
  onTestFinished(() => void inside(ok, 'systemctl start ssh.service'))
  const { code, report } = await status('--limit', ok)
  expect({ code, forward: of(report, 9022) }).toMatchObject({
    code: 1,
    forward: { state: 'device-sshd-down', session: { from: expect.stringMatching(/^10\.77\./) } },
  })
  expect(report.wire).toEqual({ connections: 1, execs: 1 })
})

test('a gateway that is off makes exit code 3, and says so for each of its devices', async () => {
  await it.lab.machine(gateway).kill()
  const { code, report } = await status('--timeout', '3')
  expect(code).toBe(3)
  expect(report.gateways).toMatchObject([{ name: gateway, state: 'unreachable' }])
  expect(new Set(report.forwards.map(({ state }) => state))).toEqual(new Set(['unverified']))
})
