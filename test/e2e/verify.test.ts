import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandsIn } from '../report/runner.ts'
import { mustBeJUnit, xpath } from '../report/xml.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'
import { drifting, gateway, good, inventory, loose, off } from './verify/fleet.ts'
import { metricsIn } from './verify/metrics.ts'

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok', 'ok', 'ok', 'ok'] })
})
afterAll(() => it?.down())

const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const unit = `reverse-tunnel-${gateway}`
const checkProgram = '/etc/reverse-tunnel/check'

describe('a bad night: one device drifts, one is off, one has no tunnel', () => {
  let ran: Awaited<ReturnType<Rehearsal['provision']>>
  const at = (name: string) => join(it.folder, 'out', name)
  const text = (name: string) => readFile(at(name), 'utf8')

  beforeAll(async () => {
    // What a device would say to take the CI over.
    const words = '::error file=x::pwned\n  ::add-mask::a\n##[add-path]/tmp\n'
    await inside(drifting, `printf '%s' '${words}' >>${checkProgram}`)
    await inside(loose, `systemctl stop ${unit}-check ${unit}`)
    await it.lab.machine(off).kill()
    const files = ['--junit', at('junit.xml'), '--metrics', at('provision.prom')]
    ran = await it.provision(['verify', it.file, '--timeout', '3', '--verbose', ...files], {
      env: { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: it.folder, GITHUB_STEP_SUMMARY: join(it.folder, 'summary.md') },
    })
  })

  test('ends with 3, since one could not be looked at', () => {
    expect(ran.code).toBe(3)
    expect(ran.stdout).toMatch(new RegExp(`^${off} +unreachable`, 'm'))
    expect(ran.stdout).toContain('verified: 2 differs, 2 ok, 1 unreachable; 2 of 4 forwards reach their device')
  })

  test('JUnit: a suite for each host, a case for each resource and forward', async () => {
    const document = await text('junit.xml')
    mustBeJUnit(document)
    const of = (host: string, expression: string) =>
      xpath(document, `string(//testsuite[@name="${host}"]${expression})`)
    expect(xpath(document, 'count(//testsuite)')).toBe('5')
    expect(of(good, '/@failures') + of(good, '/@errors') + of(good, '/@skipped')).toBe('000')
    expect(Number(of(good, '/@tests'))).toBeGreaterThan(6)
    expect(of(drifting, `/testcase[@name="file ${checkProgram}"]/failure`)).toContain('-::error file=x::pwned\n')
    expect(of(drifting, `/testcase[@name="file ${checkProgram}"]/@line`)).toBe('7')
    expect(of(off, '/testcase[@name="host"]/error/@type')).toBe('unreachable')
    expect(of(off, '/@tests')).toBe('2')
    expect(of(loose, `/testcase[starts-with(@name, "forward")]/failure/@type`)).toBe('no-tunnel')
    expect(of(loose, `/testcase[starts-with(@name, "forward")]/@name`)).toBe(`forward 127.0.0.1:9004 on ${gateway}`)
  })

  test('metrics: written whole, readable for the exporter, and true', async () => {
    const value = metricsIn(await text('provision.prom'))
    expect((await stat(at('provision.prom'))).mode & 0o777).toBe(0o644)
    expect(value('run_exit_code', {})).toBe(3)
    expect([good, drifting, off, loose].map((device) => value('device_up', { device }))).toEqual([1, 1, 0, 0])
    expect(value('forward_state', { device: loose, state: 'no-tunnel' })).toBe(1)
    expect(value('host_drifted_resources', { host: drifting })).toBe(1)
    // Proved by the run that made it, and by none since.
    const [last = 0, now = 0] = [
      value('device_last_proof_timestamp_seconds', { device: off }),
      value('run_timestamp_seconds', {}),
    ]
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(120)
    expect(last).toBeLessThan(now)
    expect(last).toBeGreaterThan(now - 600)
    expect(value('forward_handshake_seconds', { device: good })).toBeGreaterThan(0)
  })

  test('annotations: at the lines of the inventory, and nothing of what the device said is a command', () => {
    const commands = commandsIn(`${ran.stdout}${ran.stderr}`)
    expect(ran.stdout).toContain('pwned')
    expect(commands.map(({ name, properties: { file, line, title } }) => `${name} ${file}:${line} ${title}`)).toEqual([
      `error inventory.json:8 ${off}: unreachable`,
      expect.stringMatching(/^error inventory.json:8 127\.0\.0\.1:9003 on ssh-gw.guest.internal: (stale|no-tunnel)$/),
      `error inventory.json:11 127.0.0.1:9004 on ${gateway}: no-tunnel`,
      `error inventory.json:7 ${drifting}: differs`,
      `error inventory.json:9 ${loose}: differs`,
    ])
  })

  test('the summary of the job has a row for each host and each forward', async () => {
    const page = await readFile(join(it.folder, 'summary.md'), 'utf8')
    expect(page).toContain(`| ${drifting} | ⚠️ differs | direct | file ${checkProgram}&#58; rewrite |`)
    expect(page.split('\n').filter((line) => /^\| \S+ on ssh-gw|^\| 127/.test(line))).toHaveLength(4)
    expect(page).toContain('-::error file=x::pwned')
  })

  test('with --json the document stands alone on stdout, and the annotations on stderr', async () => {
    const { code, stdout, stderr } = await it.provision(['verify', it.file, '--limit', loose, '--json'], {
      env: { GITHUB_ACTIONS: 'true' },
    })
    expect([code, JSON.parse(stdout).exitCode]).toEqual([1, 1])
    expect(commandsIn(stdout)).toEqual([])
    expect(commandsIn(stderr)).toHaveLength(2)
  })

  test('without GitHub around there are no annotations', async () => {
    const { stdout, stderr } = await it.provision(['verify', it.file, '--limit', loose])
    expect(commandsIn(`${stdout}${stderr}`)).toEqual([])
  })

  test('--only forwards: with the gateway alone, from where no device can be called', async () => {
    const some = [gateway, good, drifting, loose].flatMap((name) => ['--limit', name])
    const { code, report } = await it.report(['verify', it.file, '--only', 'forwards', ...some], { from: 'guest' })
    expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
      code: 1,
      hosts: [`${gateway} ok`],
      states: ['ok', 'ok', 'no-tunnel'],
    })
    expect(report.unchecked?.map(({ host }) => host)).toEqual([gateway, good, drifting, loose])
    const junit = join(it.folder, 'guest.xml')
    const words = ['verify', it.file, '--only', 'forwards', '--limit', good, '--junit', junit]
    const limited = await it.report(words, { from: 'guest' })
    expect({ code: limited.code, hosts: outcomes(limited.report), states: states(limited.report) }).toEqual({
      code: 0,
      hosts: [],
      states: ['ok'],
    })
    // One login at the gateway, one at the device, through the forward.
    expect(limited.report.wire).toEqual({ connections: 2, execs: 1 })
    const document = await readFile(junit, 'utf8')
    mustBeJUnit(document)
    expect(xpath(document, `string(//testsuite[@name="${good}"]/testcase[@name="host"]/skipped/@message)`)).toContain(
      'nobody logged in to look at files',
    )
  })

  test('--only forwards and a limit: a login on the gateway that may do nothing but forward is enough', async () => {
    const user = 'useradd -m watcher && cp -r /home/user001/.ssh /home/watcher/ && chown -R watcher: /home/watcher/.ssh'
    await inside(gateway, user)
    const other = join(it.folder, 'watched.json')
    await writeFile(other, inventory.replace(`"${gateway}": {}`, `"${gateway}": { "login": { "user": "watcher" } }`))
    const words = ['verify', other, '--only', 'forwards']
    const devices = [good, drifting].flatMap((name) => ['--limit', name])
    const { code, report } = await it.report([...words, ...devices], { from: 'guest' })
    expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
      code: 0,
      hosts: [],
      states: ['ok', 'ok'],
    })
    const whole = await it.report([...words, '--limit', gateway], { from: 'guest' })
    expect({ code: whole.code, hosts: outcomes(whole.report) }).toEqual({ code: 3, hosts: [`${gateway} unreachable`] })
    expect(whole.report.hosts[0]?.error?.message).toContain('sudo')
  })

  test('--wait ends with the last state when nothing comes, and has not hammered meanwhile', async () => {
    const words = ['verify', it.file, '--limit', loose, '--wait', '6', '--timeout', '3']
    const { code, report, stderr } = await it.report(words)
    expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
      code: 1,
      hosts: [`${loose} differs`],
      states: ['no-tunnel'],
    })
    expect(stderr).toContain(`waiting up to 6 s for ${loose}`)
    expect(report.seconds).toBeGreaterThan(6)
    expect(report.seconds).toBeLessThan(15)
    // The gateway for each of four proofs and for the doctor, the device at the beginning and at the end.
    expect(report.wire.connections).toBeLessThanOrEqual(7)
  })

  test('--wait ends at once at Ctrl-C', async () => {
    const child = it.spawn(['verify', it.file, '--limit', loose, '--wait', '600'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const code = new Promise((resolve) => child.once('exit', resolve))
    let said = ''
    const began = await new Promise<number>((resolve) =>
      child.stderr?.on('data', (chunk) => {
        said += chunk
        if (said.includes('waiting up to 600 s')) resolve(performance.now())
      }),
    )
    child.kill('SIGINT')
    expect(await code).toBe(130)
    // Well before it would have looked for the second time.
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('--wait ends as soon as all is there: the tunnel, the device that boots, and what looked different before', async () => {
    await inside(drifting, `sed -i '/pwned/d;/add-mask/d;/add-path/d' ${checkProgram}`)
    const waiting = it.report(['verify', it.file, '--wait', '90', '--timeout', '5'])
    await it.lab.machine(off).boot()
    await inside(loose, `systemctl start ${unit} ${unit}-check`)
    const { code, report } = await waiting
    expect({ hosts: outcomes(report), states: states(report), code }).toEqual({
      hosts: [gateway, good, drifting, off, loose].map((name) => `${name} ok`),
      states: ['ok', 'ok', 'ok', 'ok'],
      code: 0,
    })
    expect(report.seconds).toBeLessThan(60)
  })
})

describe('a file that cannot be written', () => {
  test('is told before anybody is contacted', async () => {
    await writeFile(join(it.folder, 'taken'), '')
    for (const option of ['--junit', '--metrics']) {
      const { code, stdout, stderr } = await it.provision(['verify', it.file, option, join(it.folder, 'taken/x')])
      expect([code, stdout], stderr).toEqual([2, ''])
      expect(stderr).toContain(
        `provision: error: ${option} ${join(it.folder, 'taken/x')}: cannot be written: a part of its path is a file\nprovision: hint: `,
      )
    }
  })
})

test('a mistake in the inventory is an annotation at its place, and schema finds it without contacting anybody', async () => {
  const file = join(it.folder, 'mistaken.json')
  await writeFile(file, inventory.replace('"login": { "user"', '"login": { "usr"').replace('9004:', '9001:'))
  for (const words of [
    [file, '--check'],
    ['schema', file],
  ]) {
    const { code, stdout, stderr } = await it.provision(words, {
      env: { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: it.folder },
    })
    expect([code, stdout]).toEqual([2, ''])
    expect(commandsIn(stderr).map(({ properties: { file: name, line, col } }) => `${name}:${line}:${col}`)).toEqual([
      'mistaken.json:2:14',
      'mistaken.json:10:9',
    ])
  }
  expect(await it.provision(['schema', it.file])).toMatchObject({
    code: 0,
    stdout: `${it.file}: correct: 1 gateway, 4 devices, 4 forwards\n`,
  })
})
