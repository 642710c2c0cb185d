import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device, keyless] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const secret = 'correct horse'
const inventory = { ...picture, devices: { ...picture.devices, [keyless]: {} } }

let it: Rehearsal
let key: string
beforeAll(async () => {
  it = await rehearse(inventory, { suite: { [gateway]: 'trixie', [device]: 'bookworm', [keyless]: 'bullseye' } })
  key = (await readFile(`${it.lab.identityFile}.pub`, 'utf8')).trim()
  for (const name of [gateway, device, keyless]) {
    await on(name, `echo 'user001:${secret}' | chpasswd`)
    // An administrator who likes passwords, for one account even where they are off.
    const interactive = name === keyless ? 'ChallengeResponseAuthentication' : 'KbdInteractiveAuthentication'
    const liked = `${interactive} yes\\nMatch User user001\\n    PasswordAuthentication yes\\n`
    await on(name, `printf '${liked}' >/etc/ssh/sshd_config.d/50-own.conf && systemctl reload ssh`)
  }
  await on(keyless, 'rm /home/user001/.ssh/authorized_keys')
  await writeFile(join(it.folder, 'askpass'), `#!/bin/sh\necho '${secret}'\n`)
  await chmod(join(it.folder, 'askpass'), 0o755)
  const { report } = await it.report([it.file])
  expect(states(report)).toEqual(['ok'])
})
afterAll(() => it?.down())

const on = async (name: string, script: string) => {
  const { code, stdout, stderr } = await it.lab.machine(name).sh(script)
  expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
  return stdout
}

const plain = '-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'.split(' ')
const ssh = (options: readonly string[], to: readonly string[]) =>
  it.lab.run(['ssh', ...plain, ...options, ...to, 'true'], {
    env: { SSH_ASKPASS: join(it.folder, 'askpass'), SSH_ASKPASS_REQUIRE: 'force' },
  })
const byWord = (method: string, name: string) =>
  ssh(['-o', `PreferredAuthentications=${method}`, '-o', 'NumberOfPasswordPrompts=1'], [`user001@${name}`])
const words = ['password', 'keyboard-interactive']
const byKey = (to: readonly string[]) =>
  ssh(['-i', it.lab.identityFile, '-o', 'IdentitiesOnly=yes', '-o', 'PreferredAuthentications=publickey'], to)
const jump = (user: string) => [
  ...['-o', `ProxyCommand=ssh ${plain.join(' ')} -i ${it.lab.identityFile} -W 127.0.0.1:9022 user001@${gateway}`],
  `${user}@${device}`,
]
const comesIn = { code: 0, stderr: '' }
const refused = { code: 255, stderr: expect.stringContaining('Permission denied') }

describe('passwordLogin false', () => {
  test('before, everybody comes in with a password', async () => {
    for (const name of [gateway, device, keyless])
      for (const method of words) expect(await byWord(method, name), `${name} ${method}`).toMatchObject(comesIn)
  })

  test('a host that lets us in with no key is not reached, and is told how to mend that', async () => {
    await it.rewrite({ ...inventory, passwordLogin: false })
    const { code, report } = await it.report([it.file])
    expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
      code: 3,
      hosts: [`${gateway} changed`, `${device} changed`, `${keyless} unreachable`],
      states: ['ok'],
    })
    expect(report.hosts[2]?.error).toMatchObject({
      message: expect.stringContaining('the login as user001 was refused'),
      hint: expect.stringContaining('keys only'),
    })
  })

  test('after it nobody does, whatever an exception for one account says, where a key of ours was proved', async () => {
    for (const name of [gateway, device])
      for (const method of words) expect(await byWord(method, name), `${name} ${method}`).toMatchObject(refused)
    for (const method of words) expect(await byWord(method, keyless), method).toMatchObject(comesIn)
  })

  test('with a key one still does, directly and through the tunnel', async () => {
    expect(await byKey([`user001@${gateway}`])).toMatchObject(comesIn)
    expect(await byKey([`user001@${device}`])).toMatchObject(comesIn)
    expect(await byKey(jump('user001'))).toMatchObject(comesIn)
  })

  test('once the key is there, the host that was left out follows; and the next run has nothing to do', async () => {
    await on(keyless, `echo '${key}' | install -o user001 -m 600 /dev/stdin /home/user001/.ssh/authorized_keys`)
    const { code, report } = await it.report([it.file])
    expect({ code, hosts: outcomes(report) }).toMatchObject({
      code: 0,
      hosts: [`${gateway} ok`, `${device} ok`, `${keyless} changed`],
    })
    for (const method of words) expect(await byWord(method, keyless), method).toMatchObject(refused)
  })

  test('taken out of the inventory again, all is as it was', async () => {
    await it.rewrite(inventory)
    expect((await it.report([it.file])).code).toBe(0)
    for (const name of [gateway, device, keyless])
      for (const method of words) expect(await byWord(method, name), `${name} ${method}`).toMatchObject(comesIn)
  })
})

/** This line with our mark behind it, and no other. */
const marked = (line: string) => new RegExp(`^${line.replaceAll(/[.*+?^$()|]/g, '\\$&')} provision [a-z0-9]+\\n$`)

describe('from', () => {
  const keysOf = (name: string, user: string) => on(name, `cat /home/${user}/.ssh/authorized_keys`)

  test('lets a key in through the tunnel, or from the LAN, or both; exclusive takes other keys away', async () => {
    const other = await on(device, `ssh-keygen -q -t ed25519 -N '' -C stray -f /root/stray; cat /root/stray.pub`)
    await on(device, `useradd -m -s /bin/sh tunnelled; install -d -o tunnelled -m 700 ~tunnelled/.ssh`)
    await on(device, `echo '${other.trim()}' | install -o tunnelled -m 600 /dev/stdin ~tunnelled/.ssh/authorized_keys`)
    const loopback = ['127.0.0.1', '::1']
    const accounts = {
      user001: { authorizedKeys: [key], from: [...loopback, '10.78.0.0/16'], exclusive: true },
      tunnelled: { authorizedKeys: [key], from: loopback, exclusive: true },
      neighbour: { authorizedKeys: [`no-pty ${key}`], from: ['10.78.0.0/16', '!10.78.9.*'] },
    }
    await it.rewrite({ ...picture, devices: { [device]: { forwards: ['127.0.0.1:9022:localhost:22'], accounts } } })
    const { code, report } = await it.report([it.file])
    expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${device} changed`],
      states: ['ok'],
    })
    expect(await keysOf(device, 'tunnelled')).toMatch(marked(`from="127.0.0.1,::1" ${key}`))
    expect(await keysOf(device, 'neighbour')).toMatch(marked(`from="10.78.0.0/16,!10.78.9.*",no-pty ${key}`))
    const ways = { lan: (user: string) => [`${user}@${device}`], tunnel: jump }
    const found = Object.entries(ways).flatMap(([way, to]) =>
      Object.keys(accounts).map(async (user) => `${user} ${way}: ${(await byKey(to(user))).code}`),
    )
    expect(await Promise.all(found)).toEqual([
      ...['user001 lan: 0', 'tunnelled lan: 255', 'neighbour lan: 0'],
      ...['user001 tunnel: 0', 'tunnelled tunnel: 0', 'neighbour tunnel: 255'],
    ])
    expect(outcomes((await it.report([it.file])).report)).toEqual([`${gateway} ok`, `${device} ok`])
  })

  test('one that shuts ourselves out is undone by the host', async () => {
    const before = await keysOf(gateway, 'user001')
    const accounts = { user001: { authorizedKeys: [key], from: ['192.0.2.0/24'], exclusive: true } }
    await it.rewrite({ ...inventory, gateways: { [gateway]: { accounts } } })
    const { code, report } = await it.report([it.file, '--limit', gateway])
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} undone`] })
    expect(report.hosts[0]?.error?.message).toContain('the login as user001 was refused')
    expect(await keysOf(gateway, 'user001')).toBe(before)
    expect(await byKey([`user001@${gateway}`])).toMatchObject(comesIn)
  })
})
