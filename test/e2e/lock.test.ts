import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { devicesCalled, held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

const names = [
  'taken',
  'both-at-once',
  'edited',
  'abandoned',
  'guard-stage',
  'guard-commit',
  'guard-waiting',
  'watcher',
] as const
type Name = (typeof names)[number]

let it: Rehearsal
let old: Map<string, string[]>
const machine = (name: Name) => it.lab.machine(name)
beforeAll(async () => {
  it = await rehearse(devicesCalled(names))
  await Promise.all(names.map((name) => prepare(machine(name))))
  old = new Map(await Promise.all(names.map(async (name) => [name, await stateOf(machine(name))] as const)))
})
afterAll(() => it?.down())

const words = (name: Name) => [
  it.file,
  '--limit',
  name,
  '--playbook',
  holdingPlaybook,
  '--confirm-within',
  '20',
  '--timeout',
  '3',
]
/** `outcome: why`. */
async function run(name: Name): Promise<string> {
  const { report } = await it.report(words(name))
  const [host] = report.hosts
  return host?.error ? `${host.outcome}: ${host.error.message}` : `${host?.outcome}`
}
const guard = (name: Name) => machine(name).sh("systemctl show --property=MainPID --value 'provision-guard-*'")
const killGuard = async (name: Name) => machine(name).sh(`kill -9 ${(await guard(name)).stdout}`)

test('while one run is at work, another is told who it is', async () => {
  await hold(machine('taken'), 'commit')
  const first = run('taken')
  await held(machine('taken'), 'commit')
  expect(await run('taken')).toMatch(/^rejected: another run holds this host: \S+ on \S+, process \d+, since 20\d\d-/)
  await release(machine('taken'))
  expect(await first).toBe('changed')
  expect(await run('taken')).toBe('ok')
})

test('of two runs at the same time one changes the host; the other is turned away, or finds it done', async () => {
  const both = (await Promise.all([run('both-at-once'), run('both-at-once')])).sort()
  expect(both[0]).toBe('changed')
  expect(both[1]).toMatch(/^ok$|^rejected: (another run holds this host|.*has changed since it was looked at)/)
  expect(await history(machine('both-at-once'))).toContain('confirmed')
  expect(await run('both-at-once')).toBe('ok')
})

test('what somebody changes between the look and the change is not overwritten', async () => {
  await hold(machine('edited'), 'look')
  const first = run('edited')
  await held(machine('edited'), 'look')
  await machine('edited').sh('echo theirs >/etc/e2e-first')
  await release(machine('edited'))
  expect(await first).toMatch(/^rejected: .*file \/etc\/e2e-first.*has changed since it was looked at/)
  expect((await machine('edited').sh('cat /etc/e2e-first; test ! -e /etc/e2e-middle')).stdout).toBe('theirs\n')
  expect(await run('edited')).toBe('changed')
})

test('a guard that somebody stops for good is noticed, and what it was about is settled', async () => {
  await hold(machine('abandoned'), 'stage')
  const first = run('abandoned')
  await held(machine('abandoned'), 'stage')
  await machine('abandoned').sh("systemctl stop 'provision-guard-*'")
  expect(await first).toBe('rejected: the guard went away')
  await release(machine('abandoned'))
  expect(await stateOf(machine('abandoned'))).toEqual(old.get('abandoned'))
  expect(await run('abandoned')).toBe('changed')
})

test('a guard that is killed while it stages begins again', async () => {
  await hold(machine('guard-stage'), 'stage')
  const first = run('guard-stage')
  await held(machine('guard-stage'), 'stage')
  await killGuard('guard-stage')
  await release(machine('guard-stage'))
  expect(await first).toBe('changed')
})

test.each(['commit', 'waiting'] as const)(
  'a guard that is killed in %s is started again, and undoes',
  async (phase) => {
    const name = `guard-${phase}` as const
    await hold(machine(name), phase)
    const first = run(name)
    await held(machine(name), phase)
    await killGuard(name)
    // A confirmation that came before systemd starts it again would count.
    await settled(machine(name))
    await release(machine(name))
    expect(await first).toMatch(/^undone: the guard was killed/)
    expect(await stateOf(machine(name))).toEqual(old.get(name))
    expect(await run(name)).toBe('changed')
  },
)

test('when what watches for us on the host is killed, the change is followed through all the same', async () => {
  await hold(machine('watcher'), 'commit')
  const first = run('watcher')
  await held(machine('watcher'), 'commit')
  const watchers = "grep -lz '^apply$' /proc/[0-9]*/cmdline 2>/dev/null | grep -o '[0-9][0-9]*'"
  expect((await machine('watcher').sh(`kill -9 $(${watchers})`)).code).toBe(0)
  const gone = () => machine('watcher').sh(watchers)
  await until(async () => (await gone()).stdout === '' || undefined, { timeoutMs: 5000 })
  await release(machine('watcher'))
  expect(await first).toBe('changed')
})

test('the unit of an earlier guard that systemd still holds is in nobody’s way', async () => {
  const earlier = ['provision-guard', 'provision-guard-20260101000000-abcdef-0']
  const hold = earlier.map((unit) => `systemd-run --quiet --collect --unit=${unit} sleep infinity`)
  await machine('taken').sh(['rm /etc/e2e-middle', ...hold].join('; '))
  expect(await run('taken')).toBe('changed')
  expect((await machine('taken').sh(`systemctl is-active ${earlier.join(' ')}`)).stdout).toBe('active\nactive\n')
})
