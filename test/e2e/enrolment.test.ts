import { execFile } from 'node:child_process'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Seed } from '../../src/image/seed.ts'
import { until } from '../../src/lab/local.ts'
import { begin, enrolled, env, insert, seedMaker } from './enrolment/card.ts'
import { handIn, thief } from './enrolment/thief.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

// A lab in which cards are burnt: one gateway of today and one of Debian 11, with the two kinds of listeners.

const [now, old] = ['ssh-gw.guest.internal', 'old-gw.guest.internal']
const [a, b, c] = ['host-a.lan.internal', 'host-b.lan.internal', 'host-c.lan.internal']
const inventory = {
  login: { user: 'user001' },
  gateways: { [now]: {}, [old]: { listener: 'sshd' } },
  devices: {
    [a]: { forwards: [{ gateway: now, port: 9022, host: 'localhost', hostPort: 22 }] },
    [b]: { forwards: [{ gateway: old, port: 9023, host: 'localhost', hostPort: 22 }] },
    [c]: { forwards: [{ gateway: now, port: 9024, host: 'localhost', hostPort: 22 }] },
  },
}

let it: Rehearsal
let makeSeed: ReturnType<typeof seedMaker>
beforeAll(async () => {
  it = await rehearse(inventory, { suite: { [old]: 'bullseye', [b]: 'bookworm' } })
  makeSeed = seedMaker(it)
  await it.provision(['trust', it.file, '--yes'], { env })
  const { code, stderr } = await it.provision([it.file], { env })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
}, 400_000)
afterAll(() => it?.down())

const machine = (name: string) => it.lab.machine(name)
const inside = async (name: string, script: string) => {
  const { code, stdout, stderr } = await machine(name).sh(script)
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
  return stdout.trim()
}
const run = (...words: string[]) => it.report([...words, '--timeout', '4'], { env, timeoutMs: 240_000 })
const only = (...names: string[]) => names.flatMap((name) => ['--limit', name])
const pinsOf = async (name: string) =>
  [...(await readFile(join(it.folder, 'known_hosts'), 'utf8')).matchAll(/^(\S+) (ssh-ed25519 \S+)/gm)].flatMap(
    ([, host, key = '']) => (host === name ? [key] : []),
  )
const hostKeyOf = (name: string) => inside(name, `cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub`)
const seedOf = async (name: string, options = {}): Promise<Seed> => {
  const { seed, stdout, stderr } = await makeSeed(name, options)
  if (!seed) throw new Error(`${stdout}${stderr}`)
  return seed
}
const doorOf = (name: string) =>
  inside(
    name,
    `ls -d /etc/ssh/reverse-tunnel/enrol* /etc/ssh/sshd_config.d/*enrol* /etc/systemd/system/*enrol* 2>/dev/null; getent passwd enrol-tunnel; :`,
  )

describe.each([
  [a, now],
  [b, old],
])('%s at %s, with a fresh card', (name, gateway) => {
  test('comes back at its port, is known again, and the run after that has nothing to do', async () => {
    const before = await pinsOf(name)
    const seed = await seedOf(name)
    expect(await doorOf(gateway)).not.toBe('')
    await machine(name).reflash()
    await insert(machine(name), seed)
    await begin(machine(name))
    await enrolled(machine(name))
    const { code, report, stderr } = await run(it.file, ...only(name, gateway))
    expect({ code, hosts: outcomes(report), states: states(report) }, stderr).toEqual({
      code: 0,
      hosts: [`${gateway} changed`, `${name} changed`],
      states: ['ok'],
    })
    expect(stderr).toContain(`${name}: came back with a fresh card, enrolled at ${gateway} `)
    const pins = await pinsOf(name)
    expect(pins).toEqual([await hostKeyOf(name)])
    expect(pins).not.toEqual(before)
    const again = await run(it.file, ...only(name, gateway))
    expect(outcomes(again.report)).toEqual([`${gateway} ok`, `${name} ok`])
    expect(await doorOf(gateway)).toBe('')
  }, 300_000)

  test('is burnt once more, loses its power over and over, and comes back; verify --wait sees it come', async () => {
    const seed = await seedOf(name)
    await machine(name).reflash()
    await insert(machine(name), seed)
    const waiting = run('verify', it.file, ...only(name), '--wait', '120')
    await begin(machine(name))
    for (const { there, left } of moments) {
      expect(
        await until(async () => (await there(name, gateway)) || (await isDone(name)) || undefined, {
          timeoutMs: 60_000,
          everyMs: 10,
        }),
      ).toBe(true)
      await machine(name).kill()
      await inRoot(name, left)
      await machine(name).boot()
    }
    await enrolled(machine(name), 90_000)
    const { code, report, stderr } = await waiting
    expect({ code, states: states(report) }, stderr + JSON.stringify(report.forwards)).toEqual({
      // sshd of Debian 13 lacks what only a run brings.
      code: name === a ? 4 : 0,
      states: ['ok'],
    })
    expect((await run(it.file, ...only(name, gateway))).code).toBe(0)
  }, 300_000)
})

/** When its power goes, and what a file system may leave of files that have not reached the disk. */
const moments = [
  { there: async () => true, left: ': >etc/ssh/ssh_host_ed25519_key; : >etc/ssh/ssh_host_rsa_key.pub' },
  {
    there: (name: string) => isThere(name, 'etc/reverse-tunnel/id_ed25519.new'),
    left: '[ ! -e etc/reverse-tunnel/id_ed25519.new ] || : >etc/reverse-tunnel/id_ed25519.new',
  },
  { there: (name: string, gateway: string) => isThere(gateway, `etc/ssh/reverse-tunnel/enrolled/${name}`), left: ':' },
]
const isThere = (name: string, path: string) =>
  access(join(machine(name).root, path)).then(
    () => true,
    () => false,
  )
const isDone = async (name: string) => !(await isThere(name, 'etc/reverse-tunnel/first-boot'))

/** On its disk, while it is off. */
const inRoot = (name: string, script: string) => promisify(execFile)('sh', ['-c', script], { cwd: machine(name).root })

describe('a copy of the card', () => {
  const enrolAccount = 'enrol-tunnel'
  let seed: Seed

  test('with it a thief gets no shell, no file, and no forward, on either gateway', async () => {
    seed = await seedOf(c)
    const other = await seedOf(b)
    for (const [gateway, card] of [
      [now, seed],
      [old, other],
    ] as const) {
      const tried = await thief(machine(c), { gateway, account: enrolAccount, seed: card })
      expect(tried).toEqual({
        shell: 'refused: malformed',
        command: 'refused: no request',
        terminal: 'refused: no request',
        sftp: 'nothing',
        'scp of the enrolments': 'nothing',
        '-L to the gateway itself': 'nothing',
        '-W to its sshd': 'nothing',
        '-R a port': 'nothing',
        '-R a socket': 'nothing',
        'the tunnel account of a device': 'nothing',
      })
    }
  }, 300_000)

  test('every request that is not exactly the card’s own is refused, and the log says why', async () => {
    const to = { gateway: now, account: enrolAccount, seed }
    expect(await handIn(machine(c), { ...to, name: a })).toBe('refused: name')
    expect(await handIn(machine(c), { ...to, token: '0123456789abcdef0123456789abcdef' })).toBe('refused: token')
    expect(await handIn(machine(c), { ...to, damage: 'message' })).toBe('refused: signature')
    expect(await handIn(machine(c), { ...to, damage: 'signature' })).toMatch(/^refused: (signature|malformed)$/)
    expect(await handIn(machine(c), { ...to, damage: 'own key' })).toBe('refused: signature')
    expect(await inside(now, 'ls /etc/ssh/reverse-tunnel/enrolled 2>/dev/null || :')).toBe('')
    const log = await inside(now, 'journalctl --no-pager -o cat -t provision-enrol')
    expect(log).toContain(`refused: name (it says ${a}), ${c}, card `)
    expect(log).toContain(`refused: token, ${c}, card `)
    const { report } = await run('verify', it.file, ...only(c), '--wait', '1')
    // Its old tunnel is up: a card that nobody has used does not matter to it.
    expect(states(report)).toEqual(['ok'])
  }, 300_000)

  test('who comes first is let in, the other one is refused and told of: once used, only the same keys are answered', async () => {
    const to = { gateway: now, account: enrolAccount, seed }
    expect(await handIn(machine(a), { ...to, key: 'first' })).toBe('enrolled')
    expect(await handIn(machine(a), { ...to, key: 'first' })).toBe('enrolled')
    expect(await handIn(machine(c), { ...to, key: 'second' })).toBe('refused: used')
    const line = await inside(now, 'cat /etc/ssh/reverse-tunnel/keys/tunnel-host-c-*')
    expect(line).toBe(`restrict,port-forwarding ${await inside(a, 'cut -d " " -f 1,2 /root/first.pub')} ${c}`)
    await inside(c, `systemctl stop 'reverse-tunnel-*'`)
    const before = await pinsOf(c)
    const { report, stderr } = await run('verify', it.file, ...only(c), '--only', 'forwards', '--wait', '1')
    expect(report.forwards[0]?.error?.message).toContain('its card was used before, and tried again')
    expect(stderr).toContain('nobody can tell which one is the device: its pin stays')
    expect(await pinsOf(c)).toEqual(before)
  }, 300_000)

  test('a card whose time is over is refused by the program, and later by sshd itself', async () => {
    const late = await seedOf(c, { hours: 0.0002 })
    const to = { gateway: now, account: enrolAccount, seed: late }
    expect(await handIn(machine(c), to)).toBe('refused: expired')
    const said = await run('verify', it.file, ...only(c), '--only', 'forwards', '--wait', '1')
    expect(said.report.forwards[0]?.error?.message).toContain('when its time was over')
    await inside(
      now,
      `sed -i 's/expiry-time="[0-9]*"/expiry-time="20200101000000"/' /etc/ssh/reverse-tunnel/enrolments`,
    )
    expect(await handIn(machine(c), to)).toContain('ermission denied')
    expect(await inside(now, 'ls /etc/ssh/reverse-tunnel/keys')).toContain('host-c')
    expect((await run(it.file, ...only(now))).code).toBe(0)
    expect(await doorOf(now)).toBe('')
  }, 300_000)

  test('a card of which nobody has come is told as that, and an older card is no key any more', async () => {
    const former = await seedOf(c)
    const seed = await seedOf(c)
    const quiet = await run('verify', it.file, ...only(c), '--only', 'forwards', '--wait', '1')
    expect(quiet.report.forwards[0]?.error?.message).toContain(`nobody has come with its card to ${now} so far`)
    expect(await handIn(machine(c), { gateway: now, account: enrolAccount, seed: former })).toContain(
      'ermission denied',
    )
    const loud = await run('verify', it.file, ...only(c), '--only', 'forwards', '--wait', '1')
    expect(loud.report.forwards[0]?.error?.message).toContain(`${now} refused the key of a card `)
    expect(seed.device).toBe(c)
  }, 300_000)
})

test('with the host key of a backup the device is known as before', async () => {
  const key = join(it.folder, 'backup')
  await writeFile(key, await inside(a, 'cat /etc/ssh/ssh_host_ed25519_key').then((text) => `${text}\n`), {
    mode: 0o600,
  })
  const before = await hostKeyOf(a)
  const seed = await seedOf(a, { keep: [key] })
  await machine(a).reflash()
  await insert(machine(a), seed)
  await begin(machine(a))
  await enrolled(machine(a))
  expect(await hostKeyOf(a)).toBe(before)
  expect(await pinsOf(a)).toEqual([before])
  expect((await run(it.file, ...only(a, now))).code).toBe(0)
}, 300_000)

test('a gateway of which only a fingerprint is pinned is refused before anything is contacted', async () => {
  const fingerprint = (await inside(now, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).split(' ')[1]
  await it.rewrite({ ...inventory, gateways: { ...inventory.gateways, [now]: { hostKeys: [fingerprint] } } })
  const { seed, stderr } = await makeSeed(a)
  expect(seed).toBeUndefined()
  expect(stderr).toContain(`${now}: none of its host keys is pinned whole`)
  await it.rewrite(inventory)
}, 60_000)
