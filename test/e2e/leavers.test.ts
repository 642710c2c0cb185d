import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const

const keys = mkdtempSync(join(tmpdir(), 'provision-leavers-'))
/** Somebody's key, as it would stand in an inventory. */
function keyOf(name: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `${name}@laptop`, '-f', join(keys, name)])
  return readFileSync(join(keys, `${name}.pub`), 'utf8').trim()
}
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(keyOf) as [string, string, string]

const inventory = (accounts: Record<string, unknown>, own: Record<string, unknown> = {}) => ({
  ...picture,
  gateways: { [gateway]: { accounts } },
  devices: { [device]: { ...picture.devices[device], accounts: own } },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory({ team: { authorizedKeys: [alice, bob] }, carol: { authorizedKeys: [carol] } }))
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: [`${gateway} changed`, `${device} changed`] })
})
afterAll(async () => {
  await it?.down()
  rmSync(keys, { recursive: true })
})

const on = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const authorized = async (user: string, name: string = gateway) =>
  (await on(name, `cat /home/${user}/.ssh/authorized_keys`)).trim().split('\n')
const idOf = async () => /"id":"([a-z0-9]{8})"/.exec(await readFile(it.file, 'utf8'))?.[1] ?? ''
const whole = async () => {
  const { code, report, stderr } = await it.report([it.file])
  return { code, hosts: outcomes(report), report, stderr }
}

test('the first run has written an identity into the inventory, and what it made carries it', async () => {
  const id = await idOf()
  expect(await authorized('team')).toEqual([`${alice} provision ${id}`, `${bob} provision ${id}`])
  expect(await on(gateway, 'getent passwd team carol | cut -d : -f 1,5')).toBe(
    `team:provision ${id}\ncarol:provision ${id}\n`,
  )
  expect(await on(device, 'getent passwd reverse-tunnel | cut -d : -f 5')).toBe(`provision ${id}\n`)
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
})

test('a colleague who leaves goes: the key from the shared account, and all keys of the account that is named no more', async () => {
  const [id, stranger] = [
    await idOf(),
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHN0cmFuZ2VyIHN0cmFuZ2VyIHN0cmFuZ2VyIHM= by hand',
  ]
  await on(gateway, `for user in team carol; do echo '${stranger}' >>/home/$user/.ssh/authorized_keys; done`)
  await on(gateway, `echo '${bob} provision zzzz2222' >>/home/carol/.ssh/authorized_keys; echo mine >/home/carol/file`)
  await it.rewrite(inventory({ team: { authorizedKeys: [alice] } }))
  const plan = await it.provision([it.file, '--check'])
  expect(plan.stdout).toContain('authorized-keys team: rewrite, without bob@laptop')
  expect(plan.stdout).toContain('keys of people who left: remove carol@laptop from carol')
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} changed`, `${device} ok`] })
  expect(await authorized('team')).toEqual([`${alice} provision ${id}`, stranger])
  expect(await authorized('carol')).toEqual([stranger, `${bob} provision zzzz2222`])
  expect(await on(gateway, 'cat /home/carol/file; stat -c "%a %U" /home/carol/.ssh/authorized_keys')).toBe(
    'mine\n600 carol\n',
  )
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
})

test('a key that was there before is taken over by nobody: it stays when it is named no more', async () => {
  await on(gateway, `echo '${bob}' >>/home/team/.ssh/authorized_keys`)
  const before = await authorized('team')
  await it.rewrite(inventory({ team: { authorizedKeys: [alice, bob] } }))
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
  await it.rewrite(inventory({ team: { authorizedKeys: [alice] } }))
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
  expect(await authorized('team')).toEqual(before)
})

test('keys are looked for where sshd looks, and not only in homes', async () => {
  const [id, path] = [await idOf(), '/etc/ssh/keys-of/dave']
  await on(gateway, 'useradd --create-home dave && mkdir /etc/ssh/keys-of')
  await on(gateway, `echo '${carol} provision ${id}' >${path}; echo '${alice}' >>${path}`)
  await on(
    gateway,
    'echo "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys-of/%u" >/etc/ssh/sshd_config.d/site.conf',
  )
  expect(await whole()).toMatchObject({ code: 0, hosts: [`${gateway} changed`, `${device} ok`] })
  expect(await on(gateway, `cat ${path}`)).toBe(`${alice}\n`)
})

test.each([
  ['when it is not listed beside others that are exclusive', { user001: { authorizedKeys: [alice], exclusive: true } }],
  ['when nobody is left', { user001: { authorizedKeys: [], exclusive: true } }],
])('the key that the run itself came in with stays: refused %s, before anything is touched', async (_, own) => {
  const before = await authorized('user001', device)
  await it.rewrite(inventory({ team: { authorizedKeys: [alice] } }, own))
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }).toMatchObject({ code: 1, hosts: [`${gateway} ok`, `${device} rejected`] })
  const { error } = report.hosts.find(({ name }) => name === device) ?? {}
  expect(error?.message).toContain('this would remove the key with which this run logged in as user001')
  expect(error?.hint).toContain('log in with a key that stays')
  expect(await authorized('user001', device)).toEqual(before)
})

test('… and with the ssh of this machine as well', async () => {
  const before = await authorized('user001', device)
  const { code, report } = await it.report([it.file, '--transport', 'openssh'])
  expect({ code, hosts: outcomes(report) }).toMatchObject({ code: 1, hosts: [`${gateway} ok`, `${device} rejected`] })
  expect(report.hosts.find(({ name }) => name === device)?.error?.message).toContain('with which this run logged in')
  expect(await authorized('user001', device)).toEqual(before)
})

test('a person’s account of the name that a tunnel needs is not taken over', async () => {
  await it.rewrite(inventory({ team: { authorizedKeys: [alice] } }))
  const line = await on(device, 'getent passwd reverse-tunnel')
  const become = (entry: string) => on(device, `sed -i 's|^reverse-tunnel:.*|${entry.trim()}|' /etc/passwd`)
  // As `useradd` makes an account for a person.
  await become('reverse-tunnel:x:1001:1001:Bob:/home/bob:/bin/bash')
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} ok`, `${device} rejected`] })
  expect(report.hosts[1]?.error).toMatchObject({
    message: expect.stringContaining('the account reverse-tunnel exists already and was not made by provision'),
    hint: expect.stringContaining('usermod --login OTHER reverse-tunnel'),
  })
  await become(line)
})

test('a file that cannot be written has no identity, and the run says what that means and goes on', async () => {
  await it.rewrite(inventory({ team: { authorizedKeys: [alice] } }))
  const text = (await readFile(it.file, 'utf8')).replace(/"id":"[a-z0-9]+",/, '')
  const [other, mount] = [join(it.folder, 'ro'), (...words: string[]) => execFileSync('mount', words)]
  await mkdir(other)
  await writeFile(join(other, 'inventory.json'), text)
  mount('--bind', other, other)
  try {
    mount('-o', 'remount,ro,bind', other)
    const ran = await it.provision([join(other, 'inventory.json'), '--limit', gateway])
    expect(ran.stderr).toContain(`has no "id", because the file cannot be written (EROFS)`)
    expect(ran.stderr).toContain('--prune will not be possible')
    expect(ran.code).toBe(0)
    expect(await readFile(join(other, 'inventory.json'), 'utf8')).toBe(text)
  } finally {
    execFileSync('umount', [other])
  }
})
