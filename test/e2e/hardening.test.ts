import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { equip, outcomes, person, type Rehearsal, rehearse, states, verified } from './kit.ts'

const [new_, old, oldest] = ['new.guest.internal', 'old.guest.internal', 'oldest.lan.internal']
const [pinned, client] = ['pinned.lan.internal', 'client.guest.internal']
const inventory = {
  login: { user: 'user001' },
  gateways: { [new_]: {}, [old]: {} },
  devices: {
    [oldest]: {
      forwards: [new_, old].map((gateway) => ({ gateway, port: 9022, host: 'localhost', hostPort: 22 })),
    },
    [pinned]: {},
  },
  clients: { [client]: {} },
}
const suite = {
  [new_]: 'trixie',
  [old]: 'bookworm',
  [oldest]: 'bullseye',
  [pinned]: 'trixie',
  [client]: 'bullseye',
} as const

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory, { suite })
})
afterAll(() => it?.down())

/** As outside a lab: the pins are those of the inventory, or beside it. */
const own = { env: { PROVISION_KNOWN_HOSTS: '' } }
const keyOf = async (name: string, type: string) =>
  (await it.lab.machine(name).sh(`cut -d ' ' -f 1,2 /etc/ssh/ssh_host_${type}_key.pub`)).stdout.trim()

/** What ssh-audit has against an sshd: `fail NAME`, `warn NAME`, once each. */
async function audited(name: string): Promise<string[]> {
  const { code, stdout } = await it.lab.run(['ssh-audit', '-n', '-l', 'warn', name])
  // Good, warnings, failures (ssh-audit(1)); 1 is no connection.
  expect([0, 2, 3], stdout).toContain(code)
  const rows = stdout.matchAll(/^\((?:kex|key|enc|mac|gen)\) (\S+) .*?-- \[(fail|warn)\]/gm)
  return [...new Set([...rows].map(([, algorithm, level]) => `${level} ${algorithm}`))].sort()
}

/** ssh-audit 2.5.0 is older than these: docs/security.md has the reasons. */
const stale = {
  [old]: ['kex-strict-s-v00@openssh.com', 'sntrup761x25519-sha512@openssh.com'],
  [new_]: [
    'kex-strict-s-v00@openssh.com',
    'mlkem768x25519-sha256',
    'sntrup761x25519-sha512',
    'sntrup761x25519-sha512@openssh.com',
  ],
  [oldest]: ['kex-strict-s-v00@openssh.com'],
}
const audit = Object.entries(stale)

/** ssh-audit 2.5.0 takes "10.0" for older than "9.2", and OpenSSH 10 for one of before 2018. */
test('the CVEs that ssh-audit sees in OpenSSH 10 are of its own making', async () => {
  const { stdout } = await it.lab.run(['ssh-audit', '-n', '-l', 'warn', new_])
  const years = [...stdout.matchAll(/^\(cve\) CVE-(\d+)-/gm)].map(([, year]) => Number(year))
  expect(years.filter((year) => year > 2018)).toEqual([])
  expect((await it.lab.run(['ssh-audit', '-n', '-l', 'warn', old])).stdout).not.toContain('(cve)')
})

const fromOld = (name: string, options = '') =>
  person(it.lab.machine(client), `ssh -o BatchMode=yes ${options} ${name} true`)
const weak = {
  'key exchange method': '-o KexAlgorithms=ecdh-sha2-nistp256',
  'host key type': '-o HostKeyAlgorithms=ecdsa-sha2-nistp256',
  MAC: '-o Ciphers=aes128-ctr -o MACs=hmac-sha1',
}
const dropIn = async (name: string) =>
  (await it.lab.machine(name).sh('cat /etc/ssh/sshd_config.d/00-provision.conf 2>/dev/null || echo none')).stdout

describe('compatible, the default', () => {
  beforeAll(async () => {
    const { code, report } = await it.report([it.file])
    expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok', 'ok'] })
    await equip(it, client)
  })

  test('leaves the algorithms alone, the weak ones too', async () => {
    for (const name of [old, new_]) {
      expect(await audited(name)).toContain('fail ecdh-sha2-nistp256')
      expect(await audited(name)).toContain('fail ecdsa-sha2-nistp256')
      for (const options of Object.values(weak)) expect(await fromOld(name, options)).toMatchObject({ code: 0 })
    }
  })

  test('writes no file where there is nothing to say', async () => {
    expect(await dropIn(new_)).toMatch(/^# provision \w+\nPerSourcePenalties \S+.*\n$/)
    expect([await dropIn(old), await dropIn(oldest), await dropIn(pinned)]).toEqual(['none\n', 'none\n', 'none\n'])
  })
})

describe('strict', () => {
  beforeAll(async () => {
    await it.rewrite({ ...inventory, profile: 'strict' })
    const { code, report } = await it.report([it.file])
    const troubles = report.hosts.flatMap(({ error }) => error ?? [])
    expect({ code, troubles, states: states(report) }).toEqual({ code: 0, troubles: [], states: ['ok', 'ok'] })
  })

  test('then has nothing more to do', async () => {
    const { code, report } = await it.report([it.file])
    expect({ code, hosts: outcomes(report) }).toEqual({
      code: 0,
      hosts: [new_, old, oldest, pinned].map((name) => `${name} ok`),
    })
  })

  test.each(audit)('ssh-audit has nothing against %s but what it does not know yet', async (name, names) => {
    expect(await audited(name)).toEqual(names.map((algorithm) => `warn ${algorithm}`))
  })

  test('a client with OpenSSH 8.4 comes in, by the keys it knew before', async () => {
    const { stderr } = await person(it.lab.machine(client), 'ssh -V')
    expect(stderr).toContain('OpenSSH_8.4')
    for (const [name] of audit.slice(0, 2)) expect(await fromOld(name)).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(Object.entries(weak))('a client that insists on a weak %s does not', async (what, options) => {
    for (const name of [old, new_]) {
      const { code, stderr } = await fromOld(name, options)
      expect({ code, stderr }).toMatchObject({ code: 255, stderr: expect.stringContaining(`no matching ${what}`) })
    }
  })

  test('programs made with ssh2 and node-ssh come in with their own defaults', async () => {
    for (const name of [old, new_]) {
      const { stdout, stderr } = await it.lab.run([process.execPath, '--input-type=module', '-e', plainSsh2], {
        env: { NAME: name, KEY: it.lab.identityFile },
      })
      expect({ stdout, stderr }).toEqual({ stdout: 'ssh2 in\nnode-ssh in\n', stderr: '' })
    }
  })

  test('a tunnel of OpenSSH 8.4 dials in anew', async () => {
    const pid = "pgrep -f '^(/usr/bin/)?ssh .*-R ' | sort | tr '\\n' ' '"
    const device = it.lab.machine(oldest)
    const before = (await device.sh(pid)).stdout
    expect(before.trim()).toMatch(/^\d+ \d+$/)
    await device.sh(`kill -KILL ${before}`)
    await verified(it)
    const after = (await device.sh(pid)).stdout
    expect(after.trim()).toMatch(/^\d+ \d+$/)
    expect(after).not.toBe(before)
  })

  test('no host key has gone', async () => {
    for (const name of [old, new_])
      for (const type of ['ecdsa', 'rsa', 'ed25519']) expect(await keyOf(name, type)).toContain('AAAA')
  })
})

test('a host that we know by its ECDSA key alone goes on showing it', async () => {
  const hostKeys = { [pinned]: await keyOf(pinned, 'ecdsa'), [new_]: await keyOf(new_, 'ed25519') }
  const only = ['--limit', pinned]
  const pin = (profile: string) => ({
    ...inventory,
    devices: { ...inventory.devices, [pinned]: { hostKeys: [hostKeys[pinned]], profile } },
  })
  await it.rewrite(pin('compatible'))
  // Its strict file of before would not let us in with this pin: back with the pins of the lab.
  expect(outcomes((await it.report([it.file, ...only])).report)).toEqual([`${pinned} changed`])
  expect(await dropIn(pinned)).toBe('none\n')
  await it.rewrite(pin('strict'))
  const { report } = await it.report([it.file, ...only], own)
  expect({ hosts: outcomes(report), error: report.hosts[0]?.error }).toEqual({
    hosts: [`${pinned} changed`],
    error: undefined,
  })
  expect(await dropIn(pinned)).toMatch(/^HostKeyAlgorithms .*,ecdsa-sha2-nistp256$/m)
  expect(outcomes((await it.report([it.file, ...only], own)).report)).toEqual([`${pinned} ok`])
})

test('back to compatible, the file is gone and all is as it was', async () => {
  await it.rewrite(inventory)
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 0,
    hosts: [new_, old, oldest, pinned].map((name) => `${name} changed`),
  })
  expect(await dropIn(old)).toBe('none\n')
  expect(await audited(old)).toContain('fail ecdh-sha2-nistp256')
})

const ssh2Path = join(import.meta.dirname, '../../node_modules/ssh2/lib/index.js')
const nodeSshPath = join(import.meta.dirname, '../../node_modules/node-ssh/lib/cjs/index.js')
const plainSsh2 = `
import { readFileSync } from 'node:fs'
const { default: ssh2 } = await import(${JSON.stringify(ssh2Path)})
const { default: { NodeSSH } } = await import(${JSON.stringify(nodeSshPath)})
const to = { host: process.env.NAME, username: 'user001', privateKey: readFileSync(process.env.KEY, 'utf8') }
const client = new ssh2.Client()
await new Promise((resolve, reject) => client.on('ready', resolve).on('error', reject).connect(to))
client.end()
console.log('ssh2 in')
const ssh = new NodeSSH()
await ssh.connect(to)
ssh.dispose()
console.log('node-ssh in')
`
