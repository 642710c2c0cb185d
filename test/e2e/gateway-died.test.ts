import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { newKey } from '../../src/ssh/host-keys/new-key.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

// A gateway burns down and is installed anew: strange to every device, and knowing none of them.

const [gateway, near, plain] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const inventory = (via: object = {}) => ({
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [near]: { forwards: ['127.0.0.1:9022:localhost:22'] },
    [plain]: {
      forwards: [{ bindAddress: '127.0.0.1', port: 9023, host: 'localhost', hostPort: 22, listener: 'sshd' }],
      ...via,
    },
  },
})
/** As outside a lab, the pins are those beside the inventory; and as on an admin's machine, not in a CI. */
const env = { PROVISION_KNOWN_HOSTS: '', CI: '' }
const passphrase = 'correct horse'

let it: Rehearsal
let folder: string
beforeAll(async () => {
  // OpenSSH 8.4 on the other device: it would rather see an ECDSA key.
  it = await rehearse(inventory(), { suite: { [plain]: 'bullseye' } })
  folder = join(it.folder, 'spare-host-keys')
  await it.provision(['trust', it.file, '--yes'], { env })
  const { code, stderr } = await it.provision([it.file], { env, timeoutMs: 240_000 })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  // From now on nobody calls this one but through its forward.
  await it.rewrite(inventory({ via: ['forward'] }))
}, 400_000)
afterAll(() => it?.down())

const inside = async (name: string, script: string) => (await mustRun(it.lab.machine(name), script)).trim()
const run = (words: readonly string[], more: Record<string, string> = {}) =>
  it.report([...words, '--timeout', '5'], { env: { ...env, ...more }, timeoutMs: 400_000, from: 'guest' })
const say = (words: readonly string[], more: Record<string, string> = {}) =>
  it.provision([...words, '--timeout', '5'], { env: { ...env, ...more }, timeoutMs: 400_000, from: 'guest' })
const restore = (...words: string[]) => ['restore-gateway', it.file, gateway, ...words]
const halfOf = (line: string) => line.split(' ').slice(0, 2).join(' ').trim()
const spare = async () => halfOf(await readFile(join(folder, `${gateway}.pub`), 'utf8'))
const kept = async () => JSON.parse(await readFile(join(it.folder, 'inventory.gateways.json'), 'utf8'))
const trusted = async (name: string) =>
  (await inside(name, `grep -o 'ssh-ed25519 .*' /etc/reverse-tunnel/known_hosts`)).split('\n').sort()
const hostKey = async () => halfOf(await inside(gateway, 'cat /etc/ssh/ssh_host_ed25519_key.pub'))
const proved = async () =>
  /ssh-ed25519 \S+/.exec((await it.lab.run(['ssh-keyscan', '-t', 'ed25519', gateway])).stdout)?.[0]
/** What a device went through: its boot, and its sshd. */
const life = (name: string) =>
  inside(name, 'cat /proc/sys/kernel/random/boot_id; systemctl show --property=InvocationID --value ssh.service')
const tunnelKey = async (name: string) => halfOf(await inside(name, 'cat /etc/reverse-tunnel/id_ed25519.pub'))

describe('from the first run on', () => {
  test('devices trust a spare host key, whose private half is with the admin alone', async () => {
    const now = await hostKey()
    expect(await spare()).not.toBe(now)
    for (const name of [near, plain]) expect(await trusted(name)).toEqual([now, await spare()].sort())
    expect((await readdir(folder)).sort()).toEqual(['.gitignore', gateway, `${gateway}.pub`])
    expect((await stat(join(folder, gateway))).mode & 0o777).toBe(0o600)
    const secret = (await readFile(join(folder, gateway), 'utf8')).split('\n')[4] ?? ''
    expect(secret.length).toBeGreaterThan(30)
    for (const name of [gateway, near, plain])
      expect((await it.lab.machine(name).sh(`grep -rlF ${secret} /etc /var /run /root /home /tmp`)).stdout).toBe('')
  })

  test('what brings the gateway back is kept beside the inventory, and is no secret', async () => {
    expect(await kept()).toMatchObject({
      version: 1,
      tunnelKeys: { [near]: [await tunnelKey(near)], [plain]: [await tunnelKey(plain)] },
      spareHostKeys: {
        [gateway]: { keys: [{ key: await spare(), trustedBy: [near, plain] }], former: [] },
      },
    })
    expect(await readFile(join(it.folder, 'inventory.gateways.json'), 'utf8')).not.toContain('PRIVATE')
  })

  test('nothing is left to do or to say, and a second run writes nothing', async () => {
    const before = await readFile(join(it.folder, 'inventory.gateways.json'), 'utf8')
    const { code, report } = await run([it.file])
    expect({ code, hosts: outcomes(report), pending: report.pending }).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${near} ok`, `${plain} ok`],
      pending: [],
    })
    expect((await run(['verify', it.file])).report.pending).toEqual([])
    expect(await readFile(join(it.folder, 'inventory.gateways.json'), 'utf8')).toBe(before)
  }, 200_000)
})

describe('a clone without the private half', () => {
  let clone: string
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'provision-clone-'))
    await cp(it.folder, clone, { recursive: true })
    await rm(join(clone, 'spare-host-keys', gateway))
  })
  afterAll(() => rm(clone, { recursive: true }))
  const file = () => join(clone, 'inventory.json')

  test('is told by `verify` who can bring the gateway back, and by a run, which makes nothing new', async () => {
    const verified = await run(['verify', file()])
    expect({ code: verified.code, pending: verified.report.pending }).toEqual({
      code: 0,
      pending: [expect.stringMatching(/^ssh-gw\S+: the private half of its spare .* is not in .* on .* made it/)],
    })
    const { code, stderr } = await say([file()])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('made it and can bring the gateway back'),
    })
    expect(await readdir(join(clone, 'spare-host-keys'))).not.toContain(gateway)
    expect(await trusted(near)).toContain(await spare())
  }, 200_000)

  test('cannot bring it back, and neither can the private half of another key', async () => {
    const before = await life(near)
    const words = ['restore-gateway', file(), gateway, '--yes', '--accept-new-host-key', gateway]
    expect(await say(words)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/spare host key must be in .* there is no such file/),
    })
    const { privateKey, publicKey } = newKey('another one')
    await writeFile(join(clone, 'spare-host-keys', gateway), privateKey, { mode: 0o600 })
    await writeFile(join(clone, 'spare-host-keys', `${gateway}.pub`), `${publicKey}\n`)
    expect(await say(words)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/that file holds the key SHA256:\S+; devices trust SHA256:/),
    })
    expect(await life(near)).toBe(before)
    expect(await inside(gateway, 'ls /run/provision-spare-host-key 2>/dev/null || :')).toBe('')
  }, 100_000)
})

test('a spare that may be in wrong hands is replaced at once', async () => {
  const before = await spare()
  const { code, report } = await run(['rotate', it.file, '--spare-host-key', gateway])
  expect({ code, pending: report.pending }).toEqual({ code: 0, pending: [] })
  expect(await spare()).not.toBe(before)
  for (const name of [near, plain]) expect(await trusted(name)).toEqual([await hostKey(), await spare()].sort())
  expect((await kept()).spareHostKeys[gateway]).toMatchObject({ keys: [{ key: await spare() }], former: [before] })
  expect((await readdir(folder)).sort()).toEqual(['.gitignore', gateway, `${gateway}.pub`])
}, 200_000)

describe('the gateway burns down, and is installed anew', () => {
  let old = ''
  let used = ''
  let lives: string[] = []
  beforeAll(async () => {
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', join(folder, gateway)])
    old = await hostKey()
    used = await spare()
    lives = [await life(near), await life(plain)]
    await it.lab.machine(gateway).reflash()
  }, 100_000)

  test('an ordinary run does not go near it, and brings nobody back', async () => {
    expect(await hostKey()).not.toBe(old)
    const { code, report } = await run([it.file])
    expect({ code, gateway: report.hosts[0]?.outcome }).toEqual({ code: 3, gateway: 'unreachable' })
  }, 200_000)

  test('nothing is touched without the passphrase, without a yes, and without a word about its new host key', async () => {
    const secrets = { PROVISION_SPARE_PASSPHRASE: passphrase }
    const fresh = await hostKey()
    expect(await say(restore('--yes', '--accept-new-host-key', gateway))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('set PROVISION_SPARE_PASSPHRASE instead'),
    })
    expect(
      await say(restore('--yes', '--accept-new-host-key', gateway), { PROVISION_SPARE_PASSPHRASE: 'wrong horse' }),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining('this is not the passphrase of') })
    expect(await say(restore('--yes'), secrets)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /shows ssh-ed25519 SHA256:\S+, which is not known yet[\s\S]*will get the spare private key/,
      ),
    })
    expect(await say(restore('--accept-new-host-key', gateway), secrets)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/spare host key: switch to the spare host key and no other[\s\S]*add --yes/),
    })
    expect(await hostKey()).toBe(fresh)
    expect(
      await inside(gateway, 'ls -d /etc/ssh/reverse-tunnel /var/lib/provision /run/provision* 2>/dev/null || :'),
    ).toBe('')
  }, 200_000)

  test('one command from the guest network brings all devices back, and no device is touched', async () => {
    const { code, stdout, stderr } = await say(
      [...restore('--yes', '--accept-new-host-key', gateway, '--debug', '--json')],
      { PROVISION_SPARE_PASSPHRASE: passphrase },
    )
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout)
    expect({ hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
      hosts: [`${gateway} ok`, `${near} changed`, `${plain} changed`],
      states: ['ok', 'ok'],
      pending: [],
    })
    expect(report.hosts.slice(1).map(({ via }: { via: string }) => via)).toEqual(['forward', 'forward'])
    expect(stderr).toContain('2 of 2 forwards reach their device')
    expect([await life(near), await life(plain)]).toEqual(lives)
    expect({ disk: await hostKey(), proved: await proved() }).toEqual({ disk: used, proved: used })

    const secret = (await inside(gateway, 'cat /etc/ssh/ssh_host_ed25519_key')).split('\n').slice(3, -1)
    expect(secret.length).toBeGreaterThan(1)
    for (const line of secret) {
      expect(stdout + stderr).not.toContain(line)
      const places = await it.lab.machine(gateway).sh(`grep -rlF -e ${line} /etc /var /run /root /home /tmp`)
      expect(places.stdout).toBe('/etc/ssh/ssh_host_ed25519_key\n')
    }
    expect(
      await inside(gateway, 'stat -c %a /etc/ssh/ssh_host_ed25519_key; stat -c %a /var/lib/provision/history'),
    ).toBe('600\n700')
  }, 400_000)

  test('then the spare is another one, which the devices trust', async () => {
    const next = await spare()
    expect(next).not.toBe(used)
    for (const name of [near, plain]) expect(await trusted(name)).toEqual([used, next].sort())
    expect((await kept()).spareHostKeys[gateway]).toMatchObject({
      keys: [{ key: next, trustedBy: [near, plain] }],
      former: [expect.any(String), used],
    })
    expect((await readdir(folder)).sort()).toEqual(['.gitignore', gateway, `${gateway}.pub`])
    const pins = await readFile(join(it.folder, 'known_hosts'), 'utf8')
    expect([...pins.matchAll(/^ssh-gw\S* (\S+ \S+)$/gm)].map(([, key]) => key)).toEqual([used])
    const { code, report } = await run(['verify', it.file])
    expect({ code, hosts: outcomes(report), states: states(report), pending: report.pending }).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${near} ok`, `${plain} ok`],
      states: ['ok', 'ok'],
      pending: [],
    })
  }, 200_000)

  test('called once more it finds nothing to do, and leaves the spare a spare', async () => {
    const before = await spare()
    const { code, report } = await run(restore('--yes'))
    expect({ code, hosts: outcomes(report) }).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${near} ok`, `${plain} ok`],
    })
    expect({ spare: await spare(), proved: await proved() }).toEqual({ spare: before, proved: used })
  }, 200_000)
})

describe('it burns down again, and the admin is cut off in the middle', () => {
  const there = async (file: string) => (await it.lab.machine(gateway).sh(`[ -e ${file} ]`)).code === 0
  const pins = () => readFile(join(it.folder, 'known_hosts'), 'utf8')
  /** A call that is killed as soon as this is so. */
  async function killedWhen(so: () => Promise<boolean>): Promise<void> {
    const words = ['--yes', '--accept-new-host-key', gateway, '--timeout', '5', '--confirm-within', '5']
    const child = it.spawn(restore(...words), { env, from: 'guest' })
    const over = new Promise((resolve) => child.once('exit', resolve))
    const seen = await until(async () => ((await so()) ? true : undefined), { timeoutMs: 60_000, everyMs: 50 })
    child.kill('SIGKILL')
    await over
    expect(seen).toBe(true)
  }

  test.each([
    ['when the private half has just come', () => there('/run/provision-spare-host-key')],
    ['when the gateway has keys of devices again', () => there('/etc/ssh/reverse-tunnel/keys')],
    ['while the spare waits to be confirmed', async () => !(await there('/etc/ssh/ssh_host_rsa_key'))],
    ['before the spare is pinned', async () => (await pins()).includes(await spare())],
  ])(
    '%s: called again, it finishes',
    async (when, so) => {
      const [used, before] = [await spare(), await pins()]
      await it.lab.machine(gateway).reflash()
      await killedWhen(so)
      if (/pinned/.test(when)) await writeFile(join(it.folder, 'known_hosts'), before)
      const again = async () => {
        const ran = await run(restore('--yes', '--accept-new-host-key', gateway)).catch(() => undefined)
        // The guard of the call that was killed waits for it a while, and takes its change back: its host key with it.
        return !ran || ran.report.hosts.some(({ outcome }) => /^(rejected|unreachable)$/.test(outcome))
          ? undefined
          : ran
      }
      const ran = await until(again, { timeoutMs: 60_000, everyMs: 1000 })
      const { code, report, stderr } = ran ?? (await run(restore('--yes')))
      const errors = report.hosts.flatMap(({ error }) => error ?? [])
      expect({
        code,
        states: states(report),
        pending: report.pending,
        errors,
        stderr: code === 0 ? '' : stderr,
      }).toEqual({
        ...{ code: 0, states: ['ok', 'ok'], pending: [], errors: [], stderr: '' },
      })
      expect(await proved()).toBe(used)
      expect(await spare()).not.toBe(used)
      expect(await there('/run/provision-spare-host-key')).toBe(false)
      expect((await readdir(folder)).sort()).toEqual(['.gitignore', gateway, `${gateway}.pub`])
    },
    400_000,
  )
})

test('where nothing can be written, a run goes on and says so', async () => {
  const [file, away] = [join(it.folder, 'inventory.gateways.json'), join(it.folder, 'away')]
  await rename(folder, away)
  await rename(file, `${file}.away`)
  // Root may write everywhere but where a file is in the way of a folder.
  await writeFile(folder, '')
  await chmod(folder, 0o400)
  const { code, stderr } = await say([it.file])
  expect({ code, stderr }).toMatchObject({ stderr: expect.stringContaining('no spare host key can be made in') })
  const { report } = await run(['verify', it.file])
  expect(report.pending).toEqual([expect.stringContaining('it has no spare host key yet')])
  await rm(folder)
  await rename(away, folder)
  await rename(`${file}.away`, file)
}, 200_000)
