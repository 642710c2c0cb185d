import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readIfThere } from '../../src/files/atomic.ts'
import { until } from '../../src/lab/local.ts'
import type { AlertEvent, Message } from '../../src/watch/alerts/message.ts'
import type { HistoryReport } from '../../src/watch/history.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'

const gateway = 'ssh-gw.guest.internal'
const [stopped, frozen, deaf, dark, well] = ['stopped', 'frozen', 'deaf', 'dark', 'well'].map(
  (name) => `${name}.lan.internal`,
) as [string, string, string, string, string]
const unit = `reverse-tunnel-${gateway}.service`

let it: Rehearsal
let state: string
let told: string
const inventory = () => ({
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: Object.fromEntries(
    [stopped, frozen, deaf, dark, well].map((name, n) => [
      name,
      { forwards: [{ port: 9022 + n, host: 'localhost', hostPort: 22 }] },
    ]),
  ),
  watch: { after: 5 },
  alerts: [{ exec: ['sh', '-c', 'cat >>"$1"', 'sh', told] }],
})

beforeAll(async () => {
  told = ''
  it = await rehearse(inventory())
  told = join(it.folder, 'told')
  state = join(it.folder, 'state')
  await it.rewrite(inventory())
  const { code, stderr, report } = await it.report([it.file])
  expect({ code, stderr: code === 0 ? '' : stderr, hosts: outcomes(report) }).toMatchObject({ code: 0 })
})
afterAll(() => it?.down())

const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const seconds = () => Date.now() / 1000

/** A watcher, and what it says. It is killed when the test is over. */
async function watch(folder = state, ...words: string[]) {
  const all = ['watch', it.file, '--state', folder, '--every', '5s', '--timeout', '3', '--verbose', ...words]
  const child = it.spawn(all, { stdio: ['ignore', 'inherit', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { text: '' }
  /** When each was first seen to be away. */
  const seen = new Map<string, number>()
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.text += text
    for (const [, name = ''] of text.matchAll(
      /seen ([^,:]+)[,:] .*(?:stale|no-tunnel|sshd-down|wrong-device|unreachable)/g,
    ))
      if (!seen.has(name)) seen.set(name, seconds())
  })
  const says = (words: string) => until(async () => said.text.includes(words) || undefined, { timeoutMs: 40_000 })
  expect(await says('watching')).toBe(true)
  return { child, says, seen }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return ended
}

/** All events that the program of the inventory was given, so far. */
async function events(): Promise<AlertEvent[]> {
  const lines = (await readIfThere(told)).split('\n').filter(Boolean)
  return lines.flatMap((line) => (JSON.parse(line) as Message).events)
}
async function heard(count: number): Promise<AlertEvent[]> {
  const enough = async () => {
    const all = await events()
    return all.length >= count ? all : undefined
  }
  const all = await until(enough, { timeoutMs: 90_000, everyMs: 200 })
  if (!all) throw new Error(`${count} events were to come: ${JSON.stringify(await events())}`)
  return all
}
const words = (all: readonly AlertEvent[]) => all.map(({ name, kind }) => `${name} ${kind}`).sort()
const away = (names: readonly string[], kind: string) => names.map((name) => `${name} ${kind}`).sort()

test('four faults at once: each is told once with its time and cause, and so is its end', async () => {
  const { child, seen, says } = await watch()
  for (const [n, name] of [stopped, frozen, deaf, dark, well].entries())
    expect(await says(`seen ${name}, 127.0.0.1:${9022 + n} on ${gateway}: ok`)).toBe(true)
  const times: Record<string, number> = {}
  const strike = async (name: string, act: Promise<unknown>) => {
    await act
    // What it did last is what is seen.
    times[name] = seconds()
  }
  await Promise.all([
    strike(stopped, inside(stopped, `systemctl stop ${unit}`)),
    // Else its own watchdog would kill it before anybody saw it.
    strike(
      frozen,
      inside(frozen, `systemctl stop ${unit.replace('.service', '-check')}; systemctl kill --signal=STOP ${unit}`),
    ),
    strike(deaf, inside(deaf, 'systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service')),
    strike(dark, it.lab.machine(dark).kill()),
  ])
  const down = await heard(4)
  expect(words(down)).toEqual(away([stopped, frozen, deaf, dark], 'down'))
  const of = (name: string) => down.find((event) => event.name === name)
  expect(of(stopped)).toMatchObject({ state: 'no-tunnel', cause: expect.stringMatching(/^unit: .* is stopped/) })
  expect(of(deaf)).toMatchObject({ state: 'device-sshd-down' })
  for (const [name, limit] of Object.entries({ [stopped]: 5, [frozen]: 12, [deaf]: 15, [dark]: 12 }))
    expect(Math.abs(Date.parse(of(name)?.since ?? '') / 1000 - (times[name] ?? 0))).toBeLessThan(limit)

  // How soon it was seen: the table in docs/watch.md.
  const after = (name: string) => (seen.get(name) ?? Number.NaN) - (times[name] ?? 0)
  const limits = { [stopped]: 10, [deaf]: 20, [frozen]: 60, [dark]: 60 }
  for (const [name, limit] of Object.entries(limits)) expect(after(name)).toBeLessThan(limit)
  if (process.env.PROVISION_SHOW) for (const name of Object.keys(limits)) console.log(name, after(name))

  await Promise.all([
    inside(stopped, `systemctl start ${unit}`),
    inside(
      frozen,
      `systemctl kill --signal=KILL ${unit}; systemctl start ${unit} ${unit.replace('.service', '-check')}`,
    ),
    inside(deaf, 'systemctl start ssh.service'),
    it.lab.machine(dark).boot(),
  ])
  const all = await heard(8)
  expect(words(all.slice(4))).toEqual(away([stopped, frozen, deaf, dark], 'up'))
  expect(await end(child, 'SIGTERM')).toBe(0)

  const { code, stdout } = await it.provision(['history', it.file, '--state', state, '--json'])
  const { outages, hosts } = JSON.parse(stdout) as HistoryReport
  expect(code).toBe(0)
  expect(outages.map(({ name }) => name).sort()).toEqual([stopped, frozen, deaf, dark].sort())
  expect(outages.every(({ end: over }) => over !== undefined)).toBe(true)
  expect(hosts.find(({ name }) => name === well)).toMatchObject({ outages: 0, availability: 1 })
})

/** A fault, and how it is mended; `state`: what is told of it, nothing where nothing may be told. */
interface Trouble {
  readonly name: string
  readonly state?: string
  readonly strike: () => Promise<unknown>
  readonly mend: () => Promise<unknown>
  /** How far the time that is told may be from the truth: seconds. */
  readonly off: number
}
const socketOf = (port: number) => `reverse-tunnel-127.0.0.1_${port}.socket`
const sshdOf = (signal: string) => `kill -${signal} $(systemctl show -p MainPID --value ssh.service)`

/** Other faults, on the same machines at once. */
const troubles: readonly Trouble[] = [
  {
    ...{ name: stopped, state: 'no-tunnel', off: 5 },
    strike: () => inside(gateway, `systemctl stop ${socketOf(9022)} ${socketOf(9022).replace('socket', 'service')}`),
    mend: () => inside(gateway, `systemctl start ${socketOf(9022)}`),
  },
  {
    ...{ name: frozen, state: 'stale', off: 20 },
    strike: () => inside(frozen, sshdOf('STOP')),
    mend: () => inside(frozen, sshdOf('CONT')),
  },
  {
    ...{ name: deaf, state: 'wrong-device', off: 10 },
    strike: () =>
      inside(
        deaf,
        `cd /etc/ssh; mkdir was; mv ssh_host_* was; ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key; systemctl restart ssh.service`,
      ),
    mend: () => inside(deaf, 'cd /etc/ssh; mv -f was/* .; rmdir was; systemctl restart ssh.service'),
  },
  {
    ...{ name: dark, state: 'stale', off: 12 },
    strike: () => it.lab.machine(dark).cut(),
    mend: () => it.lab.machine(dark).mend(),
  },
  // What is none: a tunnel that is back at once, and a gateway whose sshd is reloaded.
  {
    ...{ name: well, off: 0 },
    strike: () => inside(well, `systemctl kill --signal=KILL ${unit}`),
    mend: () => inside(gateway, 'systemctl reload ssh.service'),
  },
]

test('four others, beside what is no fault: each is told once, and nothing is invented', async () => {
  const before = (await events()).length
  const { child, says, seen } = await watch(join(it.folder, 'others'))
  for (const name of [stopped, frozen, deaf, dark, well]) expect(await says(`seen ${name}, `)).toBe(true)
  const real = troubles.filter(({ state }) => state !== undefined)
  const times = new Map<string, number>()
  await Promise.all(
    troubles.map(async ({ name, strike }) => {
      await strike()
      times.set(name, seconds())
    }),
  )
  const down = (await heard(before + real.length)).slice(before)
  expect(down.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(
    real.map(({ name, state }) => `${name} ${state}`).sort(),
  )
  for (const { name, off } of real) {
    const event = down.find((one) => one.name === name)
    const error = Math.abs(Date.parse(event?.since ?? '') / 1000 - (times.get(name) ?? 0))
    if (process.env.PROVISION_SHOW)
      console.log(name, 'seen', (seen.get(name) ?? Number.NaN) - (times.get(name) ?? 0), 'off', error)
    expect({ name, near: error < off }).toEqual({ name, near: true })
  }
  await Promise.all(troubles.map(({ mend }) => mend()))
  const up = (await heard(before + 2 * real.length)).slice(before + real.length)
  expect(words(up)).toEqual(
    away(
      real.map(({ name }) => name),
      'up',
    ),
  )
  expect((await events()).length).toBe(before + 2 * real.length)
  expect(await end(child, 'SIGTERM')).toBe(0)
})

test('a watcher that is killed has lost nothing: the next one goes on, and tells only what is new', async () => {
  const before = (await events()).length
  const first = await watch()
  await inside(stopped, `systemctl stop ${unit}`)
  await heard(before + 1)
  await end(first.child, 'SIGKILL')
  await inside(deaf, `systemctl stop ${unit}`)
  const at = seconds()
  const second = await watch()
  const all = await heard(before + 2)
  expect(words(all.slice(before))).toEqual(away([stopped, deaf], 'down'))
  // It was not there to see it, but the gateway's log was.
  expect(Math.abs(Date.parse(all.at(-1)?.since ?? '') / 1000 - at)).toBeLessThan(5)
  await Promise.all([stopped, deaf].map((name) => inside(name, `systemctl start ${unit}`)))
  expect(words((await heard(before + 4)).slice(before + 2))).toEqual(away([stopped, deaf], 'up'))
  expect(await end(second.child, 'SIGINT')).toBe(130)
})

test('two watchers cannot share a record', async () => {
  const { child } = await watch()
  const { code, stderr } = await it.provision(['watch', it.file, '--state', state])
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/record\.jsonl: process \d+ watches already, with this record/),
  })
  await end(child, 'SIGTERM')
})

test('with an inventory that is broken meanwhile it goes on; a gateway that is down is one message', async () => {
  const before = (await events()).length
  const { child, says } = await watch(state, '--listen', '127.0.0.1:8022')
  const good = await readFile(it.file, 'utf8')
  await writeFile(it.file, good.replace('"watch"', '"wotch"'))
  expect(await says('is not used as it is now, the former one still counts')).toBe(true)
  await it.lab.machine(gateway).kill()
  const down = await heard(before + 1)
  expect(words(down.slice(before))).toEqual([`${gateway} down`])
  await writeFile(it.file, good)
  expect(await says('was read again')).toBe(true)
  await it.lab.machine(gateway).boot()
  const up = await heard(before + 2)
  expect(words(up.slice(before))).toEqual([`${gateway} down`, `${gateway} up`])
  expect(up.at(-1)?.cause).toMatch(/^it was started again at /)
  // Time enough for what must not come.
  await new Promise((done) => setTimeout(done, 8000))
  expect((await events()).length).toBe(before + 2)
  expect(await end(child, 'SIGTERM')).toBe(0)
})
