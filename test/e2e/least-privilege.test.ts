import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { privilege } from '../../playbooks/reverse-tunnel/least-privilege.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import type { ProofReport, Report } from '../../src/report/report.ts'
import type { ForbiddenAct } from '../../src/resources/resource.ts'
import { startOtherSshd } from './attacks/other-sshd.ts'
import { place, type Rehearsal, rehearse } from './kit.ts'

// `verify --least-privilege` against the gateways as they were provisioned, and against a second sshd of theirs whose
// administrator allows everything, with just the protections taken away that refuse one of the attempts.

const suite = {
  'gw-8-4': 'bullseye',
  'gw-10-0': 'trixie',
  neighbour: 'trixie',
  jailed: 'trixie',
  shared: 'bookworm',
} as const
const gateways = ['gw-8-4', 'gw-10-0'] as const
const device = (at: number, listener: string) => ({
  forwards: gateways.map((gateway) => ({ gateway, port: 9022 + at, host: 'localhost', hostPort: 22, listener })),
})
const inventory = (dial: object = {}) => ({
  // One inventory in several files.
  id: 'least234',
  login: { user: 'user001' },
  gateways: Object.fromEntries(gateways.map((name) => [name, dial])),
  devices: { neighbour: device(0, 'socket'), jailed: device(1, 'socket'), shared: device(2, 'sshd') },
})
const tried = ['jailed', 'shared'] as const
const limit = tried.flatMap((name) => ['--limit', name])

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory(), { suite })
  const { code, stderr } = await it.provision([it.file], { timeoutMs: 240_000 })
  if (code !== 0) throw new Error(stderr)
  await Promise.all(tried.map((name) => tunDevice(it.lab.machine(name))))
}, 400_000)
afterAll(() => it?.down())

const tunDevice = (machine: Machine) =>
  inside(machine.name, 'mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200')

async function inside(name: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await it.lab.machine(name).sh(script)
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
  return stdout.trim()
}

/** Every attempt of a device on a gateway, as the playbook declares it. */
async function attemptsOf(name: string, gateway: string, file = it.file) {
  const { devices, gateways: all } = await readInventory(file)
  const [from, to] = [devices.find((one) => one.name === name), all.find((one) => one.name === gateway)]
  if (!from || !to) throw new Error('nobody')
  return privilege(from, to, devices).attempts
}

const rows = ({ proofs = [] }: Pick<Report, 'proofs'>, state: ProofReport['state']) =>
  proofs.filter((proof) => proof.state === state).map(({ host, what }) => `${host}: ${what}`)

/** The attempts that are like this, as the report says them. */
async function those(like: (attempt: ForbiddenAct) => boolean, file = it.file): Promise<readonly string[]> {
  const found: string[] = []
  for (const gateway of gateways)
    for (const name of tried)
      for (const attempt of await attemptsOf(name, gateway, file))
        if (like(attempt)) found.push(`${name}: ${gateway} refuses its key ${attempt.words}`)
  return found.sort()
}

const tunnels = `systemctl show -P MainPID 'reverse-tunnel-gw-*0.service' 'reverse-tunnel-gw-*4.service'`
const left = `ls -d /run/provision-attempts* 2>/dev/null; pgrep -a ssh-agent; ip -o link show type tun 2>/dev/null; :`
const logins = `journalctl -q -o cat -u ssh | grep -c 'Accepted publickey for tunnel' || :`

test('on gateways as provisioned all is refused, by one login for each key, and nothing is left or disturbed', async () => {
  const before = await Promise.all(tried.map((name) => inside(name, tunnels)))
  const counted = await inside('gw-10-0', logins)
  const { code, report } = await it.report(['verify', it.file, ...limit, '--least-privilege'])
  expect({ code, bad: report.proofs?.filter(({ state }) => state !== 'holds') }).toEqual({ code: 0, bad: [] })
  expect(rows(report, 'holds').sort()).toEqual(await those(() => true))
  expect(report.proofs?.length).toBeGreaterThan(60)
  expect(await Promise.all(tried.map((name) => inside(name, tunnels)))).toEqual(before)
  expect(await Promise.all(tried.map((name) => inside(name, left)))).toEqual(['', ''])
  expect(Number(await inside('gw-10-0', logins)) - Number(counted)).toBe(2)
  expect(await inside('gw-10-0', 'ls -d /tmp/provision-* /run/reverse-tunnel/*/s/provision-* 2>/dev/null || :')).toBe(
    '',
  )
}, 120_000)

test('people read a line for each key, and nothing is tried unless it is asked for', async () => {
  const { stdout } = await it.provision(['verify', it.file, '--limit', 'shared', '--least-privilege'])
  expect(stdout.split('\n').filter((line) => line.includes('its key'))).toEqual(
    gateways.map((gateway) => `shared  proved: 17 attempts with its key on ${gateway} were refused`),
  )
  const { report } = await it.report(['verify', it.file, '--limit', 'shared'])
  expect(report.proofs).toBeUndefined()
}, 120_000)

test('whoever kills it in the middle leaves nothing behind either', async () => {
  const child = it.spawn(['verify', it.file, '--limit', 'jailed', '--least-privilege'])
  const under = (wanted: boolean) => async () =>
    (await inside('jailed', left)).includes('provision-attempts') === wanted || undefined
  expect(await until(under(true), { timeoutMs: 20_000, everyMs: 100 })).toBe(true)
  child.kill('SIGKILL')
  expect(await until(under(false), { timeoutMs: 20_000, everyMs: 100 })).toBe(true)
  expect(await inside('jailed', left)).toBe('')
}, 60_000)

test('where the key itself is not let in, that fails, and nothing holds', async () => {
  const file = await inventoryAt(4)
  const { code, report } = await it.report(['verify', file, '--limit', 'jailed', '--least-privilege'])
  expect({ code, holds: rows(report, 'holds') }).toEqual({ code: 1, holds: [] })
  expect(rows(report, 'fails')).toEqual(
    gateways.map((gateway) => `jailed: ${gateway} accepts its key, so that the attempts can be made`),
  )
  expect(report.proofs?.[0]?.error?.message).toContain('Connection refused')
}, 120_000)

/** The same machines, whose devices dial another port of their gateways. */
async function inventoryAt(port: number): Promise<string> {
  const file = join(it.folder, `at-${port}.json`)
  await writeFile(file, JSON.stringify(inventory({ dial: { port } })))
  return file
}

test('each protection that is taken away is caught by the very attempts that it refused, and named', async () => {
  const accounts = new Map<string, readonly string[]>()
  for (const gateway of gateways) {
    const names = (await inside(gateway, `getent passwd | grep -o '^tunnel[^:]*'`)).split('\n')
    accounts.set(gateway, names)
    const text = await readFile(join(import.meta.dirname, 'attacks/gateway.sh'), 'utf8')
    await inside(gateway, 'mkdir -p /var/attack')
    await place(it.lab.machine(gateway), { path: '/var/attack/gateway.sh', text })
    // A device that anybody may open.
    await inside(gateway, `sh /var/attack/gateway.sh prepare 1 ${names.join(' ')} && ip tuntap add dev tun0 mode tun`)
  }
  const both = [...(await attemptsOf('jailed', 'gw-10-0')), ...(await attemptsOf('shared', 'gw-10-0'))]
  const unions = new Map<string, ReadonlySet<string>>()
  for (const { name } of both) {
    if (name === 'R-published') continue
    const gone = new Set(both.flatMap((attempt) => (attempt.name === name ? attempt.refusedBy : [])))
    unions.set([...gone].sort().join(', '), gone)
  }
  const states = [...new Map([['nothing', new Set<string>()]]), ...unions]
  const atOnce = pLimit(3)
  const seen = await Promise.all(
    states.map(([without, gone], at) =>
      atOnce(async () => {
        const port = 2301 + at
        await Promise.all(
          gateways.map((gateway) => {
            const names = accounts.get(gateway) ?? []
            const folder = names.find((account) => account.startsWith('tunnel-neighbour'))
            return startOtherSshd(it.lab.machine(gateway), names, {
              ...{ name: `state-${at}`, port, keeps: (protection: string) => !gone.has(protection) },
              neighbourFolder: `/run/reverse-tunnel/${folder}/s`,
            })
          }),
        )
        const file = await inventoryAt(port)
        // A tun device is one device's at a time.
        const turns = gone.has('PermitTunnel') ? tried.map((one) => ['--limit', one]) : [limit]
        const proofs: ProofReport[] = []
        for (const turn of turns)
          proofs.push(...((await it.report(['verify', file, ...turn, '--least-privilege'])).report.proofs ?? []))
        const failed = proofs.filter(({ state }) => state === 'fails')
        const open = ({ name, refusedBy }: ForbiddenAct) =>
          name !== 'R-published' && refusedBy.every((each) => gone.has(each))
        const halfOpen = ({ name, refusedBy }: ForbiddenAct) => name === 'R-any' && gone.has(refusedBy[0] ?? '')
        expect({
          gone: without,
          fails: rows({ proofs }, 'fails').sort(),
          // Where sshd grants 0.0.0.0 and then listens at loopback alone, nobody here can tell.
          untried: rows({ proofs }, 'untried').sort(),
          unnamed: failed.filter(({ error }) => ![...gone].some((each) => error?.hint?.includes(each))),
        }).toEqual({
          gone: without,
          fails: await those(open, file),
          untried: await those((attempt) => halfOpen(attempt) && !open(attempt), file),
          unnamed: [],
        })
        return failed
      }),
    ),
  )
  // Every attempt was seen to work somewhere: each line of the list above can fail.
  const ever = new Set(seen.flat().map(({ host, what }) => `${host}: ${what}`.replace(/:\d+$/, '')))
  const all = await those(({ name }) => name !== 'R-published')
  expect(all.filter((row) => !ever.has(row.replace(/:\d+$/, '')))).toEqual([])
}, 300_000)

test('a port of its own that other machines reach is caught, on the gateway itself', async () => {
  const file = '/etc/ssh/sshd_config.d/00-reverse-tunnel-shared.conf'
  await inside('gw-10-0', `sed -i 's/GatewayPorts no/GatewayPorts yes/' ${file} && systemctl reload ssh`)
  await inside('shared', 'systemctl restart reverse-tunnel-gw-10-0.service')
  const { code, report } = await it.report(['verify', it.file, '--limit', 'shared', '--least-privilege'])
  expect({ code, fails: rows(report, 'fails') }).toEqual({
    code: 1,
    fails: ['shared: gw-10-0 refuses its key its own port 9024 for other machines'],
  })
}, 120_000)
