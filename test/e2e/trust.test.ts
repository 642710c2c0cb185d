import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse({ ...picture, clients: {} })
})
afterAll(() => it?.down())

/** As outside a lab: the pins are those beside the inventory. */
const own = { env: { PROVISION_KNOWN_HOSTS: '' } }
const pinned = () => readFile(join(it.folder, 'known_hosts'), 'utf8').catch(() => '')
const forget = () => rm(join(it.folder, 'known_hosts'), { force: true })
const fingerprint = async (name: string) =>
  (await it.lab.machine(name).sh('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).stdout.split(' ')[1]

test('a host key that nobody has vouched for is shown, and not trusted where there is no terminal', async () => {
  const { code, report } = await it.report([it.file], own)
  expect({ code, hosts: outcomes(report) }).toEqual({
    code: 3,
    hosts: [`${gateway} unreachable`, `${device} unreachable`],
  })
  const { error } = report.hosts[1] ?? {}
  expect(error?.message).toBe(
    `the host key of ${device} is not known yet; the host presented ssh-ed25519 ${await fingerprint(device)}`,
  )
  expect(error?.hint).toContain('provision trust INVENTORY')
  expect(error?.hint).toContain('--trust-first')
  expect(await pinned()).toBe('')
})

test('trust asks for a terminal or for --yes', async () => {
  expect(await it.provision(['trust', it.file], own)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('there is no terminal to ask on'),
  })
  expect(await pinned()).toBe('')
})

test('trust --yes shows the fingerprints and pins them beside the inventory', async () => {
  const { code, stdout } = await it.provision(['trust', it.file, '--yes'], own)
  expect({ code, lines: stdout.split('\n').map((line) => line.split(/ +/)) }).toEqual({
    code: 0,
    lines: [
      [gateway, 'ssh-ed25519', await fingerprint(gateway), 'new'],
      [device, 'ssh-ed25519', await fingerprint(device), 'new'],
      [''],
    ],
  })
  expect((await pinned()).trim().split('\n').length).toBe(2)
  expect((await it.provision(['trust', it.file, '--yes'], own)).stdout).toMatch(/ known\n.* known\n$/)
  const run = await it.report([it.file], own)
  expect({ code: run.code, hosts: outcomes(run.report) }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`],
  })
})

test('--trust-first pins what comes first, and says so', async () => {
  await forget()
  const { code, stderr } = await it.provision([it.file, '--trust-first'], own)
  expect(code).toBe(0)
  expect(stderr).toContain(
    `${device}: its host key was not known and is pinned now: ssh-ed25519 ${await fingerprint(device)}\n`,
  )
  expect((await pinned()).trim().split('\n').length).toBe(2)
  expect((await it.provision([it.file], own)).code).toBe(0)
})

test('a key in PROVISION_KNOWN_HOSTS counts instead', async () => {
  const file = join(it.folder, 'elsewhere')
  await writeFile(file, await readFile(it.lab.knownHosts))
  await writeFile(join(it.folder, 'known_hosts'), '')
  expect((await it.provision([it.file], { env: { PROVISION_KNOWN_HOSTS: file } })).code).toBe(0)
  await writeFile(join(it.folder, 'known_hosts'), await readFile(file))
})

test('a machine that was installed anew is a stranger, whatever we are told to trust', async () => {
  const old = await fingerprint(device)
  await it.lab.machine(device).reflash()
  const now = await fingerprint(device)
  const { code, report } = await it.report([it.file, '--trust-first', '--timeout', '3'], own)
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 3, hosts: [`${gateway} ok`, `${device} unreachable`] })
  const { error } = report.hosts[1] ?? {}
  expect(error?.message).toMatch(`${device} presented another host key than the pinned one: ssh-ed25519 ${now}`)
  expect(error?.message).toContain(old)
  expect(error?.hint).toContain(`--accept-new-host-key ${device}`)
  const { stdout, code: trusted } = await it.provision(['trust', it.file, '--yes'], own)
  expect({ trusted, stdout }).toEqual({ trusted: 3, stdout: expect.stringContaining(`${now}  CHANGED`) })
})

test('--accept-new-host-key replaces its pin, says so, and sets the new machine up', async () => {
  const { code, stdout, stderr } = await it.provision([it.file, '--json', '--accept-new-host-key', device], own)
  const report = JSON.parse(stdout)
  expect({ code, hosts: outcomes(report), error: report.hosts[1].error }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`],
    error: undefined,
  })
  expect(stderr).toContain(`${device}: its pin was replaced by ssh-ed25519 ${await fingerprint(device)}\n`)
  const again = await it.report([it.file], own)
  expect({ code: again.code, hosts: outcomes(again.report) }).toEqual({
    code: 0,
    hosts: [`${gateway} ok`, `${device} ok`],
  })
})
