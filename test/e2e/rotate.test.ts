import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysRefused } from '../../playbooks/reverse-tunnel/removal.ts'
import type { Report } from '../../src/report/report.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

const gateway = 'ssh-gw.guest.internal'
const [near, plain, far] = ['host-a.lan.internal', 'host-b.lan.internal', 'host-c.lan.internal']
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [near]: { forwards: ['127.0.0.1:9022:localhost:22'] },
    [plain]: {
      forwards: [{ bindAddress: '127.0.0.1', port: 9023, host: 'localhost', hostPort: 22, listener: 'sshd' }],
    },
    [far]: { forwards: ['127.0.0.1:9024:localhost:22'] },
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  const { code, stderr } = await it.provision([it.file], { timeoutMs: 240_000 })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
}, 400_000)
afterAll(() => it?.down())

const inside = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout.trim()
const run = (words: readonly string[], from = 'lan') =>
  it.report([...words, '--timeout', '5'], { timeoutMs: 240_000, from })
const keyOf = (name: string) => inside(name, `cut -d ' ' -f 1,2 /etc/reverse-tunnel/id_ed25519.pub`)
const accountOf = (name: string) =>
  name === plain ? 'tunnel' : inside(gateway, `getent passwd | grep -o '^tunnel-${name.replace(/\..*/, '')}[^:]*'`)
/** Does the gateway let the key in: asked of its sshd. */
const letsIn = async (name: string, key: string) => {
  const script = keysRefused(await accountOf(name), [key])?.text ?? ''
  const { code, stderr } = await it.lab.machine(gateway).sh(script, { timeoutMs: 60_000 })
  expect(code === 0 || stderr === 'the key is accepted\n').toBe(true)
  return code !== 0
}
const retired = () => inside(gateway, 'cat /etc/ssh/reverse-tunnel/retired')
const errors = ({ hosts }: Report) => hosts.flatMap(({ error }) => error?.message ?? [])

let old: Record<string, string> = {}

test('every device that is there moves to a key of its own making, whoever owns its port; who is away is waited for', async () => {
  for (const name of [near, plain, far]) old[name] = await keyOf(name)
  await it.lab.machine(far).cut()
  const { code, report } = await run(['rotate', it.file])
  expect({ code, hosts: outcomes(report), pending: report.pending }).toEqual({
    code: 3,
    hosts: [`${gateway} changed`, `${near} changed`, `${plain} changed`, `${far} unreachable`],
    pending: [`${far}: its next key waits for ${far}`],
  })
  expect(states(report).slice(0, 2)).toEqual(['ok', 'ok'])
  for (const name of [near, plain]) {
    const now = await keyOf(name)
    expect(now).not.toBe(old[name])
    expect(await letsIn(name, now), name).toBe(true)
    expect(await letsIn(name, old[name] ?? ''), name).toBe(false)
    expect(await inside(name, 'ls /etc/reverse-tunnel/*.next* 2>/dev/null')).toBe('')
  }
  expect(await letsIn(far, old[far] ?? '')).toBe(true)
  expect(await retired()).toBe(`${far} ${old[far]}`)
}, 400_000)

test('when it is back, any run goes on with it', async () => {
  await it.lab.machine(far).mend()
  const { code, report } = await run([it.file])
  expect({ code, hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${near} ok`, `${plain} ok`, `${far} changed`],
    states: ['ok', 'ok', 'ok'],
    pending: [],
  })
  expect(await keyOf(far)).not.toBe(old[far])
  expect(await letsIn(far, old[far] ?? '')).toBe(false)
  expect(await retired()).toBe('')
  expect(outcomes((await run([it.file])).report)).toEqual([gateway, near, plain, far].map((name) => `${name} ok`))
}, 400_000)

test('a next key that the gateway does not let in is never moved to', async () => {
  old = { [near]: await keyOf(near) }
  const denied = '/etc/ssh/sshd_config.d/50-denied.conf'
  await inside(gateway, `echo "DenyUsers ${await accountOf(near)}" >${denied} && systemctl reload ssh`)
  const { code, report } = await run(['rotate', it.file, '--device', near])
  expect({ code, hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
    code: 1,
    // A device has tried before the gateway kept its change.
    hosts: [`${gateway} undone`, `${near} changed`, `${plain} ok`, `${far} ok`],
    states: ['ok', 'ok', 'ok'],
    pending: [`${near}: its next key waits for ${gateway}`],
  })
  expect(errors(report).join()).toMatch(/a tunnel could not log in: .*DenyUsers \S+ \(\S+50-denied\.conf line 1\)/s)
  expect(await keyOf(near)).toBe(old[near])
  await inside(gateway, `rm ${denied}; systemctl reload ssh`)
}, 400_000)

test('a device that is reached through its own forward moves, and the tunnel that we came by with it', async () => {
  const { code, report } = await run(['rotate', it.file, '--device', near], 'guest')
  expect({ code, errors: errors(report), hosts: outcomes(report), via: report.hosts[1]?.via }).toEqual({
    code: 0,
    errors: [],
    hosts: [`${gateway} changed`, `${near} changed`, `${plain} ok`, `${far} ok`],
    via: 'forward',
  })
  expect(await letsIn(near, await keyOf(near))).toBe(true)
  expect(await letsIn(near, old[near] ?? '')).toBe(false)
  expect(await retired()).toBe('')
}, 400_000)
