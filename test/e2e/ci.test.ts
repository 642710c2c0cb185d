import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { local } from '../../src/lab/local.ts'
import { parseMetrics } from '../report/prometheus.ts'
import { commandsIn } from '../report/runner.ts'
import { mustBeJUnit, xpath } from '../report/xml.ts'
import { githubJob, gitlabJob } from './ci/jobs.ts'
import { release } from './ci/release.ts'
import { lines, parted, runners } from './ci/runners.ts'
import { place, type Rehearsal, rehearse } from './kit.ts'

/**
 * The pipelines of docs/ci, step by step in shells of their own, as the runners of GitHub and GitLab would: a repository
 * with inventory and pins, a key that is known to the secrets alone, hosts that let in no other.
 */
const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const inventory = `{
  "login": { "user": "ci" },
  "gateways": {
    "${gateway}": {}
  },
  "devices": {
    "${device}": { "forwards": ["127.0.0.1:9022:localhost:22"] }
  }
}
`

let it: Rehearsal
let temp: string
let key: string
const { installAll, github, action, gitlab, run } = runners(() => ({ it, temp }))
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'provision-ci-'))
  await Promise.all([release(join(temp, 'release')).then(installAll), bootAndPin()])
})
afterAll(async () => {
  await it?.down()
  await rm(temp, { recursive: true, force: true })
})

async function bootAndPin(): Promise<void> {
  it = await rehearse(inventory)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ci', '-f', join(temp, 'key')])
  key = await readFile(join(temp, 'key'), 'utf8')
  const text = await readFile(join(temp, 'key.pub'), 'utf8')
  for (const name of [gateway, device])
    await place(it.lab.machine(name), { path: '/home/ci/.ssh/authorized_keys', text, owner: 'ci' })
  await cp(it.lab.knownHosts, join(it.folder, 'known_hosts'))
}

const report = (name: string) => readFile(join(it.folder, 'report', name), 'utf8')
const secrets = () => ({ VERIFY_SSH_KEY: key, APPLY_SSH_KEY: key })

test('every job installs in the same way, so what was tried holds for all', () => {
  const [check, verify, apply] = ['check', 'verify', 'apply'].map((name) => githubJob(name, {})[0]?.text)
  expect([verify, apply]).toEqual([check, check])
  const [first, second, third] = ['check', 'verify', 'apply'].map((name) => parted(gitlabJob(name).text)[0])
  expect([second, third]).toEqual([first, first])
})

describe('GitHub', () => {
  test('check: an inventory as it should be passes, without any secret', async () => {
    expect(await github('check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 gateway, 1 device, 1 forward'),
    })
  })

  test('check: a mistake stops the pull request, at its line', async () => {
    await it.rewrite(inventory.replace('9022:', '90222:'))
    const { code, all } = await github('check')
    await it.rewrite(inventory)
    expect(code).toBe(2)
    expect(commandsIn(all).map(({ name, properties: { file, line } }) => `${name} ${file}:${line}`)).toEqual([
      'error inventory.json:7',
    ])
  })

  test('apply: makes the tunnel, and proves it', async () => {
    const { code, all, summary, stdout } = await github('apply', secrets(), 'lan')
    expect(code, all).toBe(0)
    expect(stdout).toContain('provisioned: 2 changed; 1 of 1 forward reaches its device')
    expect(commandsIn(all)).toEqual([])
    expect(summary).toContain(`| ${device} | ✅ changed |`)
    mustBeJUnit(await report('junit.xml'))
  })

  test('verify: a good night, from where no device can be called', async () => {
    const { code, all, summary } = await github('verify', secrets())
    expect(code, all).toBe(0)
    expect(summary).toContain('✅ verified')
    const document = await report('junit.xml')
    mustBeJUnit(document)
    expect(xpath(document, 'concat(/testsuites/@failures, /testsuites/@errors)')).toBe('00')
    const up = parseMetrics(await report('provision.prom')).find(({ name }) => name === 'provision_device_up')
    expect(up).toMatchObject({ labels: { device }, value: 1 })
  })

  test('verify: the key for the gateways is enough, where the device itself does not let it in', async () => {
    const keys = '/home/ci/.ssh/authorized_keys'
    await it.lab.machine(device).sh(`mv ${keys} ${keys}.away`)
    const { code, all, stdout } = await github('verify', secrets())
    await it.lab.machine(device).sh(`mv ${keys}.away ${keys}`)
    expect(code, all).toBe(0)
    expect(stdout).toContain(`answers as ${device} SHA256:`)
    expect(stdout).toContain('  unchecked: there was no login: the login as ci was refused')
    expect(xpath(await report('junit.xml'), 'string(//testcase[starts-with(@name, "forward")]/system-out)')).toContain(
      'refused',
    )
  })

  test('verify: somebody changed the gateway by hand', async () => {
    await it.lab.machine(gateway).sh('echo "# by hand" >>/etc/tmpfiles.d/reverse-tunnel.conf')
    const { code, all, summary } = await github('verify', secrets())
    expect(code).toBe(4)
    expect(commandsIn(all).map(({ properties: { line, title } }) => `${line} ${title}`)).toEqual([
      `5 ${gateway}: differs`,
    ])
    expect(summary).toContain('-# by hand')
    const drift = '//testcase[@name="file /etc/tmpfiles.d/reverse-tunnel.conf"]/failure'
    expect(xpath(await report('junit.xml'), `string(${drift}/@type)`)).toBe('drift')
  })

  test('the key is shown and kept nowhere', async () => {
    const { code, all } = await github('verify', secrets())
    expect(code).toBe(4)
    // The first lines of all such keys are alike.
    const line = lines(key)[3] ?? expect.fail('no key')
    expect(all).not.toContain(line)
    const where = [join(temp, 'github'), join(temp, 'state'), it.folder]
    expect(await it.lab.run(['grep', '-rlF', '-e', line, ...where])).toMatchObject({ code: 1, stdout: '' })
    expect((await it.lab.run(['grep', '-rlF', '-e', line, temp])).stdout).toBe(`${join(temp, 'key')}\n`)
  })

  test('the action: what differs is in its report, its summary and its annotations', async () => {
    const { code, all, summary } = await action({ 'ssh-key': key })
    expect(code, all).toBe(4)
    expect(summary).toContain('-# by hand')
    expect(commandsIn(all).map(({ properties: { line, title } }) => `${line} ${title}`)).toEqual([
      `5 ${gateway}: differs`,
    ])
    mustBeJUnit(await report('junit.xml'))
    expect(all).not.toContain(lines(key)[3])
  })

  test('the action: more options, and no key of its own', async () => {
    const { code, all } = await action({ options: '--timeout 5  --limit ssh-gw*', report: 'elsewhere' })
    expect([code, all.includes('the login as ci was refused')]).toEqual([3, true])
    mustBeJUnit(await readFile(join(it.folder, 'elsewhere/junit.xml'), 'utf8'))
  })

  test('without the key nobody gets in', async () => {
    const { code, all } = await github('verify', { VERIFY_SSH_KEY: '' })
    expect([code, all.includes('answers as')]).toEqual([1, false])
  })
})

describe('GitLab', () => {
  const variables = () => ({ VERIFY_SSH_KEY: join(temp, 'key.file'), APPLY_SSH_KEY: join(temp, 'key.file') })
  // As GitLab hands out variables of type File: everybody may read it.
  beforeAll(() => writeFile(join(temp, 'key.file'), key, { mode: 0o666 }))

  test('check: passes, or stops the merge request', async () => {
    expect(await gitlab('check')).toMatchObject({ code: 0, stdout: expect.stringContaining(': correct: ') })
    await it.rewrite(inventory.replace('"login"', '"log"'))
    const { code, stderr } = await gitlab('check')
    await it.rewrite(inventory)
    expect([code, stderr]).toEqual([2, expect.stringContaining('inventory.json:3:3 log: unknown key')])
    expect(commandsIn(stderr)).toEqual([])
  })

  test('verify: ends with the code that is allowed to be yellow, and with a report that GitLab reads', async () => {
    const { code, stdout } = await gitlab('verify', variables())
    expect([code, gitlabJob('verify').allowed]).toEqual([4, 4])
    expect(stdout).toContain('verified: 1 differs')
    const document = await report('junit.xml')
    mustBeJUnit(document)
    expect(xpath(document, 'count(//failure)')).toBe('1')
  })

  test('apply: from the network of the gateways it mends what differs, through the forward', async () => {
    const { code, stdout, stderr } = await gitlab('apply', variables())
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('provisioned: 1 changed, 1 ok; 1 of 1 forward reaches its device')
    expect(stdout).toMatch(new RegExp(`${device} +ok +[0-9.]+ s via its forward`))
    expect(await gitlab('verify', variables())).toMatchObject({ code: 0 })
  })
})

test('no agent outlives its job', async () => {
  // By what they found around them when they were started.
  const living = async () => {
    const look = `grep -slaF "TMPDIR=$1" /proc/[0-9]*/environ || :`
    return lines(await local(['sh', '-c', look, 'sh', join(temp, 'marked')])).map((file) => Number(file.split('/')[2]))
  }
  expect(await living()).toEqual([])
  const { SSH_AGENT_PID = '' } = await forgetful()
  expect(await living()).toEqual([Number(SSH_AGENT_PID)])
  process.kill(Number(SSH_AGENT_PID))
})

/** A job that leaves its agent behind. */
async function forgetful(): Promise<Record<string, string>> {
  const { stdout } = await run({ name: '', text: 'ssh-agent -s', env: {} }, {}, 'guest')
  return Object.fromEntries([...stdout.matchAll(/(\w+)=([^;]+);/g)].map(([, name, value]) => [name, value]))
}
