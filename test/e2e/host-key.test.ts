import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

const [gateway, near, far] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [near]: { forwards: ['127.0.0.1:9022:localhost:22'] },
    [far]: { forwards: ['127.0.0.1:9023:localhost:22'] },
  },
}
/** As outside a lab: the pins are those beside the inventory. */
const env = { PROVISION_KNOWN_HOSTS: '' }

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  await it.provision(['trust', it.file, '--yes'], { env })
  const { code, stderr } = await it.provision([it.file], { env })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
}, 300_000)
afterAll(() => it?.down())

const inside = async (name: string, script: string) => (await mustRun(it.lab.machine(name), script)).trim()
const run = (...words: string[]) => it.report([...words, '--timeout', '4'], { env, timeoutMs: 240_000 })
/** The ed25519 keys that a device trusts, that the gateway has on disk, and that this machine has pinned. */
const trusted = async (name: string) =>
  (await inside(name, `grep -o 'ssh-ed25519 .*' /etc/reverse-tunnel/known_hosts`)).split('\n').sort()
const onDisk = () => inside(gateway, `cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub`)
const pinned = async () =>
  [...(await readFile(join(it.folder, 'known_hosts'), 'utf8')).matchAll(/^ssh-gw\S* (ssh-ed25519 \S+)/gm)].map(
    ([, key]) => key,
  )
const proved = async () =>
  /ssh-ed25519 \S+/.exec((await it.lab.run(['ssh-keyscan', '-t', 'ed25519', gateway])).stdout)?.[0]
const redial = (name: string) => inside(name, `systemctl restart 'reverse-tunnel-${gateway}.service'`)

let old = ''

test('key files that were replaced on the gateway cut nobody, whether sshd serves them or not', async () => {
  old = await onDisk()
  await inside(gateway, `rm /etc/ssh/ssh_host_*; ssh-keygen -A`)
  await it.lab.machine(far).cut()
  const { code, report } = await run(it.file)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gateway} ok`, `${near} changed`, `${far} unreachable`],
  })
  expect(report.pending).toEqual([
    `${gateway}: its sshd has new host keys, not trusted yet by ${far}, this machine (its pins)`,
  ])
  expect(await trusted(near)).toEqual([old, await onDisk()].sort())
  expect(await proved()).toBe(old)
  await redial(near)
}, 300_000)

test('a change that would reload sshd is refused before anything moves, with the devices that it would cut', async () => {
  await inside(gateway, 'rm /etc/ssh/sshd_config.d/00-reverse-tunnel.conf')
  const { code, report } = await run(it.file)
  const [first] = report.hosts
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gateway} rejected`, `${near} ok`, `${far} unreachable`],
  })
  expect(first?.error?.message).toContain(`not trusted yet by ${far}, this machine (its pins)`)
  expect(first?.error?.hint).toContain('reach these devices first')
  expect(await proved()).toBe(old)
}, 300_000)

test('with every device there, only our own pin stands in the way; --accept-new-host-key lets the change through', async () => {
  await it.lab.machine(far).mend()
  const without = await run(it.file)
  expect(without.report.hosts[0]?.error?.message).toMatch(/not trusted yet by this machine \(its pins\)$/)
  expect(without.report.hosts[0]?.error?.hint).toContain(`--accept-new-host-key ${gateway}`)
  const { code, report } = await run(it.file, '--accept-new-host-key', gateway)
  expect({ code, hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${near} changed`, `${far} changed`],
    states: ['ok', 'ok'],
    pending: [],
  })
  const now = await onDisk()
  expect(now).not.toBe(old)
  expect({ proved: await proved(), pinned: await pinned() }).toEqual({ proved: now, pinned: [now] })
  expect([await trusted(near), await trusted(far)]).toEqual([[now], [now]])
  for (const name of [near, far]) await redial(name)
  expect(outcomes((await run(it.file)).report)).toEqual([`${gateway} ok`, `${near} ok`, `${far} ok`])
}, 300_000)

test('a rotation waits for the device that is away, and the present key stays in force meanwhile', async () => {
  old = await onDisk()
  await it.lab.machine(far).cut()
  const { code, report } = await run('rotate', it.file, '--host-key', gateway)
  expect({ code, hosts: outcomes(report), pending: report.pending }).toEqual({
    code: 3,
    hosts: [`${gateway} changed`, `${near} changed`, `${far} unreachable`],
    pending: [`${gateway}: its next host keys wait for ${far}`],
  })
  const next = await inside(gateway, `cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.next.pub`)
  expect(next).not.toBe(old)
  expect(await trusted(near)).toEqual([old, next].sort())
  expect((await pinned()).sort()).toEqual([old, next].sort())
  expect(await proved()).toBe(old)
  await redial(near)
}, 300_000)

test('when it is back, any run goes on: the gateway proves the next key, and the old one is trusted by nobody', async () => {
  const next = await inside(gateway, `cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.next.pub`)
  await it.lab.machine(far).mend()
  const { code, report } = await run(it.file)
  expect({ code, hosts: outcomes(report), pending: report.pending }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${near} changed`, `${far} changed`],
    pending: [],
  })
  expect({ proved: await proved(), pinned: await pinned(), onDisk: await onDisk() }).toEqual({
    proved: next,
    pinned: [next],
    onDisk: next,
  })
  expect([await trusted(near), await trusted(far)]).toEqual([[next], [next]])
  expect(await inside(gateway, 'ls /etc/ssh/*.next* 2>/dev/null || :')).toBe('')
  for (const name of [near, far]) await redial(name)
  const again = await run(it.file)
  expect({ hosts: outcomes(again.report), states: states(again.report) }).toEqual({
    hosts: [`${gateway} ok`, `${near} ok`, `${far} ok`],
    states: ['ok', 'ok'],
  })
}, 300_000)

test('with everybody there a rotation is one run', async () => {
  old = await onDisk()
  const { code, report } = await run('rotate', it.file, '--host-key', gateway)
  expect({ code, hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${near} changed`, `${far} changed`],
    states: ['ok', 'ok'],
    pending: [],
  })
  const now = await onDisk()
  expect(now).not.toBe(old)
  expect({ proved: await proved(), pinned: await pinned() }).toEqual({ proved: now, pinned: [now] })
  expect([await trusted(near), await trusted(far)]).toEqual([[now], [now]])
}, 300_000)

test('no such gateway', async () => {
  const { code, stderr } = await it.provision(['rotate', it.file, '--host-key', 'nobody'], { env })
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`there are: ${gateway}`) })
})
