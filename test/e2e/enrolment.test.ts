import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Seed } from '../../src/image/seed/seed.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import { a, b, backupOf, begin, type Cards, c, cards, enrolled, insert, now, old, powerCuts } from './enrolment/card.ts'
import { handIn, thief } from './enrolment/thief.ts'
import { outcomes, states } from './kit.ts'

let lab: Cards
beforeAll(async () => {
  lab = await cards()
}, 400_000)
afterAll(() => lab?.it.down())

describe('devices with fresh cards', () => {
  test('come back at all their gateways, are known again, and the run after that has nothing to do', async () => {
    const before = [await lab.pinsOf(a), await lab.pinsOf(b)]
    const seeds = [await lab.seedOf(a), await lab.seedOf(b)] as const
    expect([await lab.doorOf(now), await lab.doorOf(old)]).not.toContain('')
    await Promise.all([lab.flash(a, seeds[0]), lab.flash(b, seeds[1])])
    const { code, report, stderr } = await lab.run(lab.file, ...lab.only(a, b, now, old))
    expect({ code, hosts: outcomes(report), states: states(report) }, stderr).toEqual({
      code: 0,
      hosts: [`${now} changed`, `${old} changed`, `${a} changed`, `${b} changed`],
      states: ['ok', 'ok', 'ok'],
    })
    expect(report.hosts.find(({ name }) => name === a)?.via).toBe('forward')
    for (const [at, name] of [a, b].entries()) {
      expect(stderr).toContain(`${name}: came back with a fresh card, enrolled at `)
      const pins = await lab.pinsOf(name)
      expect(pins).toEqual([await lab.hostKeyOf(name)])
      expect(pins).not.toEqual(before[at])
      expect(stderr).toMatch(new RegExp(`^${name}: came back .*; its pin was replaced by ssh-ed25519 SHA256:`, 'm'))
    }
    const again = await lab.run(lab.file, ...lab.only(a, b, now, old))
    expect(outcomes(again.report)).toEqual([now, old, a, b].map((name) => `${name} ok`))
    expect([await lab.doorOf(now), await lab.doorOf(old)]).toEqual(['', ''])
  }, 300_000)

  test('are burnt once more, one with its old host key, lose their power over and over; verify --wait sees them come', async () => {
    const former = await lab.hostKeyOf(a)
    const backup = await backupOf(lab, a)
    const seeds = [await lab.seedOf(a, { keep: backup.files }), await lab.seedOf(b)] as const
    await Promise.all([a, b].map((name) => lab.machine(name).reflash()))
    await Promise.all([insert(lab.machine(a), seeds[0]), insert(lab.machine(b), seeds[1])])
    const waiting = lab.run('verify', lab.file, ...lab.only(a, b), '--wait', '200')
    await Promise.all(
      [a, b].map(async (name) => {
        await begin(lab.machine(name))
        await powerCuts(lab.machine(name), [lab.machine(now), lab.machine(old)])
        await enrolled(lab.machine(name))
      }),
    )
    const { report, stderr } = await waiting
    expect(states(report), stderr + JSON.stringify(report.forwards)).toEqual(['ok', 'ok', 'ok'])
    expect([await lab.hostKeyOf(a), await lab.pinsOf(a)]).toEqual([former, [former]])
    expect(stderr).toContain('it has kept its host key, and pinned is ssh-ed25519 ')
    expect((await lab.run(lab.file, ...lab.only(a, b, now, old))).code).toBe(0)
    // Who trusts the authority knows it by its certificate, by no other.
    expect(await lab.greeting(c, { to: a, authority: backup.authority })).toContain('ermission denied')
    expect(await lab.greeting(c, { to: a, authority: former })).toContain('Host key verification failed')
  }, 300_000)
})

describe('a copy of the card', () => {
  const account = 'enrol-tunnel'
  let former: Seed
  let seed: Seed
  const to = () => ({ gateway: now, account, seed })
  const told = async () => {
    const { report, stderr } = await lab.run('verify', lab.file, ...lab.only(c), '--only', 'forwards', '--wait', '1')
    return { message: report.forwards[0]?.error?.message, stderr }
  }

  test('with it a thief gets no shell, no file, and no forward, on either gateway', async () => {
    former = await lab.seedOf(c)
    seed = await lab.seedOf(c)
    const other = await lab.seedOf(b)
    const tried = await Promise.all([
      thief(lab.machine(c), { gateway: now, account, seed }),
      thief(lab.machine(b), { gateway: old, account, seed: other }),
    ])
    for (const what of tried)
      expect(what).toEqual({
        shell: 'refused: malformed',
        command: 'refused: no request',
        terminal: expect.stringMatching(/^(nothing|refused: no request)$/),
        sftp: 'nothing',
        'scp of the enrolments': 'nothing',
        '-L to the gateway itself': 'nothing',
        '-W to its sshd': 'nothing',
        '-R a port': 'nothing',
        '-R a socket': 'nothing',
        'the tunnel account of a device': 'nothing',
      })
    // A card can be taken back, and others stay.
    expect(await lab.undo(now, old)).toBe(0)
    expect(await lab.doorOf(old)).toBe('')
    expect(await lab.inside(now, `cut -d ' ' -f 4 /etc/ssh/reverse-tunnel/enrolments`)).toBe(c)
    expect(await handIn(lab.machine(b), { gateway: old, account, seed: other })).toContain('ermission denied')
  }, 300_000)

  test('a card of which nobody has come is told as that, and the card before it is no key any more', async () => {
    await lab.inside(c, `systemctl stop 'reverse-tunnel-*'`)
    expect((await told()).message).toContain(`the card has not been used at ${now} yet`)
    expect(await handIn(lab.machine(c), { ...to(), seed: former })).toContain('ermission denied')
    expect((await told()).message).toContain(`${now} refused the key of a card `)
  }, 300_000)

  test('every request that is not exactly the card’s own is refused; the log and verify say why', async () => {
    expect(await handIn(lab.machine(c), { ...to(), token: '0123456789abcdef0123456789abcdef' })).toBe('refused: token')
    expect(await handIn(lab.machine(c), { ...to(), damage: 'message' })).toBe('refused: signature')
    expect(await handIn(lab.machine(c), { ...to(), damage: 'signature' })).toMatch(/^refused: (signature|malformed)$/)
    expect(await handIn(lab.machine(c), { ...to(), damage: 'own key' })).toBe('refused: signature')
    expect(await handIn(lab.machine(c), { ...to(), name: a })).toBe('refused: name')
    expect(await lab.inside(now, 'ls /etc/ssh/reverse-tunnel/enrolled 2>/dev/null || :')).toBe('')
    const log = await lab.inside(now, 'journalctl --no-pager -o cat -t provision-enrol')
    expect(log).toContain(`refused: name (it says ${a}), ${c}, card `)
    expect(log).toContain(`refused: token, ${c}, card `)
    expect((await told()).message).toContain(`under another name: refused: name (it says ${a})`)
  }, 300_000)

  test('who comes first is let in, the other one is refused and told of; the one that is pinned has the last word', async () => {
    expect(await handIn(lab.machine(a), { ...to(), key: 'first' })).toBe('enrolled')
    expect(await handIn(lab.machine(a), { ...to(), key: 'first' })).toBe('enrolled')
    expect(await handIn(lab.machine(c), { ...to(), key: 'second' })).toBe('refused: used')
    const line = await lab.inside(now, 'cat /etc/ssh/reverse-tunnel/keys/tunnel-host-c-*')
    const first = await lab.inside(a, 'cut -d " " -f 1,2 /root/first.pub')
    expect(line).toBe(`restrict,port-forwarding ${first} provision ${(await readInventory(lab.file)).id} ${c}`)
    const before = await lab.pinsOf(c)
    const { message, stderr } = await told()
    expect(message).toContain('the card was used before, and was tried again')
    expect(stderr).toContain('nobody can tell which one is the device: its pin stays')
    // It is there all the same, by its old key: so the thief's key goes, and the card.
    const { code, report } = await lab.run(lab.file, ...lab.only(c, now))
    expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
    expect(await lab.pinsOf(c)).toEqual(before)
    expect(await lab.inside(now, 'cat /etc/ssh/reverse-tunnel/keys/tunnel-host-c-*')).not.toBe(line)
    expect(await lab.doorOf(now)).toBe('')
    expect(await handIn(lab.machine(a), { ...to(), key: 'first' })).toContain('ermission denied')
  }, 300_000)

  test('a card whose time is over is refused and told of; the next run takes away its door', async () => {
    seed = await lab.seedOf(c, { hours: 0.0002 })
    expect(await handIn(lab.machine(c), to())).toBe('refused: expired')
    await lab.inside(c, `systemctl stop 'reverse-tunnel-*'`)
    expect((await told()).message).toContain('the card had expired when it was tried')
    expect((await lab.run(lab.file, ...lab.only(now))).code).toBe(0)
    expect(await lab.doorOf(now)).toBe('')
    expect(await handIn(lab.machine(c), to())).toContain('ermission denied')
  }, 300_000)

  test('sshd refuses it, too, a day later; a device that is removed takes its card with it, and its pins', async () => {
    seed = await lab.seedOf(c)
    expect(await handIn(lab.machine(c), to())).toBe('enrolled')
    const expire = 's/expiry-time="[0-9]*"/expiry-time="20200101000000"/'
    await lab.inside(now, `sed -i '${expire}' /etc/ssh/reverse-tunnel/enrolments`)
    expect(await handIn(lab.machine(c), to())).toContain('ermission denied')
    const removed = await lab.it.provision(['remove', lab.file, '--device', c], { env: lab.env })
    expect(removed.code, removed.stderr).toBe(0)
    expect(await lab.doorOf(now)).toBe('')
    expect(await lab.pins()).not.toContain(c)
    expect(await lab.inside(now, 'ls /etc/ssh/reverse-tunnel/keys')).not.toContain('host-c')
  }, 300_000)
})

test('a gateway of which only a fingerprint is pinned is refused before anything is contacted', async () => {
  const fingerprint = (await lab.inside(now, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).split(' ')[1]
  await lab.pinGateway(fingerprint)
  const { seed, stderr } = await lab.makeSeed(a)
  expect(seed).toBeUndefined()
  expect(stderr).toContain(`${now}: no full host key of this gateway is pinned`)
}, 60_000)
