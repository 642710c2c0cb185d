import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from '../../src/lab/index.ts'
import { attempt, prepareGateway, prepareThief, sayHello, type Target } from './attacks/attempt.ts'
import {
  type Attack,
  all,
  attackTable,
  type Mode,
  noProtection,
  option,
  type Protection,
  protectionsOf,
  weakPoints,
} from './attacks/matrix.ts'
import { keyFiles, type OtherSshd, shipped, startOtherSshd } from './attacks/other-sshd.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { rounds } from './rounds.ts'

// A stolen device: its own key, tried for all that ssh can do, on the gateway as provision left it, on one whose
// administrator allows everything else, and there with just the protections against one attack taken away, or all but one.

const gateways = { 'gw-8-4': 'bullseye', 'gw-9-2': 'bookworm', 'gw-10-0': 'trixie' } as const
const names = Object.keys(gateways)
const modes: readonly Mode[] = ['sshd', 'socket']
const devices = Object.fromEntries(
  modes.flatMap((listener, at) =>
    ['stolen', 'neighbour'].map((name, nth) => {
      const forward = { port: 9022 + 10 * at + nth, host: 'localhost', hostPort: 22, listener }
      return [`${name}-${listener}`, { forwards: names.map((gateway) => ({ gateway, ...forward })) }]
    }),
  ),
)
const inventory = {
  login: { user: 'user001' },
  gateways: Object.fromEntries(names.map((name) => [name, {}])),
  devices,
}

interface State extends Omit<OtherSshd, 'neighbourFolder'> {
  readonly attacks: (mode: Mode) => readonly Attack[]
}

const isOption = (protection: Protection) => Object.values<string>(option).includes(protection)
const without = (protections: readonly Protection[]) => `without ${[...protections].sort().join(', ')}`
const sets = new Map(all.flatMap(({ refusedBy }) => modes.map((mode) => [without(refusedBy[mode]), refusedBy[mode]])))
const states: readonly State[] = [
  { name: 'hostile', keeps: () => true, attacks: () => all },
  ...[...sets].map(([name, gone]) => ({
    name,
    keeps: (protection: Protection) => !gone.includes(protection),
    attacks: (mode: Mode) => all.filter(({ refusedBy }) => gone.length > 0 && without(refusedBy[mode]) === name),
  })),
  ...protectionsOf(all, modes).map((only) => ({
    name: `only ${only}`,
    // Where a line of the key's own file is all that is left, that file has to be the one that counts.
    keeps: (protection: Protection) => protection === only || (protection === 'AuthorizedKeysFile' && isOption(only)),
    attacks: (mode: Mode) => all.filter(({ refusedBy }) => refusedBy[mode].includes(only)),
  })),
].map((state, at) => ({ ...state, port: 2201 + at }))

const places = names.flatMap((gateway) => modes.map((mode) => [gateway, mode] as const))
const got = new Map<string, ReadonlySet<string>>()

let it: Rehearsal
beforeAll(
  async () => {
    it = await rehearse(inventory, { suite: gateways })
    const { code, stderr } = await it.provision([it.file], { timeoutMs: 300_000 })
    if (code !== 0) throw new Error(stderr)
    const machine = it.lab.machine
    await Promise.all(it.lab.machines.map(sayHello))
    for (const name of Object.keys(devices)) await machine(name).sh("systemctl stop 'reverse-tunnel-*'")
    await Promise.all(modes.map((mode) => prepareThief(machine(`stolen-${mode}`))))
    await Promise.all(names.map((name, number) => attack(machine(name), number)))
  },
  600_000 + rounds.length * 300_000,
)
afterAll(() => it?.down())

async function attack(gateway: Machine, number: number): Promise<void> {
  const targets = await Promise.all(modes.map((mode) => targetOf(gateway, mode, number)))
  await prepareGateway(gateway, targets)
  const accounts = targets.map(({ account }) => account)
  const neighbourFolder = dirname(targets[0]?.neighbour.socket ?? '')
  await Promise.all(states.map((state) => startOtherSshd(gateway, accounts, { ...state, neighbourFolder })))
  for (const round of rounds) for (const target of targets) await attackOnce(target, round)
}

async function attackOnce(target: Target, round: number): Promise<void> {
  const { gateway, mode } = target
  const note = (state: string, found: ReadonlySet<string>) =>
    got.set(`${round} ${gateway.name} ${mode} ${state}`, found)
  note('shipped', await attempt(target, all, { port: 22, jailed: true }))
  for (const { name, port, attacks, keeps } of states)
    if (attacks(mode).length > 0)
      note(name, await attempt(target, attacks(mode), { port, jailed: keeps('ChrootDirectory') }))
}

async function targetOf(gateway: Machine, mode: Mode, number: number): Promise<Target> {
  const unitOf = async (device: string) => {
    const unit = join(it.lab.machine(device).root, `etc/systemd/system/reverse-tunnel-${gateway.name}.service`)
    const [, listens = '', account = ''] = /-R (\S+):localhost:22.* -l (\S+)/s.exec(await readFile(unit, 'utf8')) ?? []
    return { listens, account }
  }
  const neighbour = await unitOf(`neighbour-${mode}`)
  const jailed = await unitOf('neighbour-socket')
  const port = 9022 + 10 * modes.indexOf(mode)
  return {
    ...{ gateway, mode, number, port, thief: it.lab.machine(`stolen-${mode}`), tun: 7 + modes.indexOf(mode) },
    ...(await unitOf(`stolen-${mode}`)),
    neighbour: {
      account: neighbour.account,
      // Where systemd owns a port there is nothing to take: the one that is free while its device is away is sshd's.
      port: 9023,
      socket: `/run/reverse-tunnel/${jailed.account}${jailed.listens}`,
    },
    beyond: it.lab.machine(names.find((name) => name !== gateway.name) ?? ''),
  }
}

describe.each(rounds)('round %i', (round) => {
  describe.each(places)('on %s with listener %s', (gateway, mode) => {
    const of = (state: string) => got.get(`${round} ${gateway} ${mode} ${state}`) ?? new Set()

    test('the key is accepted, and its own port carries, whatever is tried beside it', () => {
      const tried = ['shipped', ...states.filter(({ attacks }) => attacks(mode).length > 0).map(({ name }) => name)]
      expect(tried.filter((name) => !(of(name).has('in') && of(name).has('own')))).toEqual([])
      expect([...of('shipped')].sort()).toEqual(['in', 'own'])
    })

    test.each(all)('refused: $words', ({ name }) => {
      expect([of('shipped').has(name), of('hostile').has(name)]).toEqual([false, false])
    })

    const possible = all.filter(({ refusedBy }) => refusedBy[mode].length > 0)
    test.each(possible)('it works without what refuses it, and each of these alone refuses it: $words', (tried) => {
      const refusedBy = tried.refusedBy[mode]
      expect(of(without(refusedBy))).toContain(tried.name)
      expect(refusedBy.filter((protection) => of(`only ${protection}`).has(tried.name))).toEqual([])
    })
  })
})

test.each(names)(
  'every line of the Match block of %s and every option of the keys is such a protection',
  async (name) => {
    const gateway = it.lab.machine(name)
    const { keywords } = await shipped(gateway)
    const known = new Set([...protectionsOf(all, modes), ...noProtection])
    expect([...keywords].filter((keyword) => !known.has(keyword))).toEqual([])
    const text = await Promise.all((await keyFiles(gateway)).map((path) => readFile(join(gateway.root, path), 'utf8')))
    const words = text
      .join('')
      .split('\n')
      .flatMap((line) => (line ? (line.split(' ssh-')[0] ?? '').split(',') : []))
    expect(new Set(words.map((word) => word.split('=')[0]))).toEqual(
      new Set(['port-forwarding', option.restrict, option.listen]),
    )
  },
)

test.each([attackTable(), weakPoints()])('docs/security.md has the table %#', async (wanted) => {
  const text = await readFile(join(import.meta.dirname, '../../docs/security.md'), 'utf8')
  const [head = ''] = wanted.split('\n')
  const from = text.indexOf(head)
  expect(text.slice(from, text.indexOf('\n\n', from))).toBe(wanted)
})
