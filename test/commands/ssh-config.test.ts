import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-ssh-config-'))
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const lan = 'inventory/examples/guest-lan.json'

describe('ssh-config', () => {
  const words = ['ssh-config', lan, '--client', 'host001.guest.internal']

  test('prints what makes `ssh DEVICE` work on a client', () => {
    const { code, stdout } = provision(words, { env: { HOME: '/home/user001' } })
    expect(code).toBe(0)
    expect(stdout).toMatchInlineSnapshot(`
      "Host ssh-gw.guest.internal
          HostName ssh-gw.guest.internal
          User user001
          IdentityFile ~/.ssh/id_ed25519
          HostKeyAlias ssh-gw.guest.internal
          StrictHostKeyChecking yes
          CheckHostIP no

      Host host-a.lan.internal
          HostName 127.0.0.1
          Port 9022
          User user001
          IdentityFile ~/.ssh/id_ed25519
          HostKeyAlias host-a.lan.internal
          StrictHostKeyChecking yes
          CheckHostIP no
          ProxyJump ssh-gw.guest.internal
      "
    `)
  })

  test('is what ssh itself understands', () => {
    const file = join(folder, 'config')
    writeFileSync(file, provision(words).stdout)
    const effective = execFileSync('ssh', ['-G', '-F', file, 'host-a.lan.internal'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString()
    for (const line of [
      'hostname 127.0.0.1',
      'port 9022',
      'user user001',
      'hostkeyalias host-a.lan.internal',
      'proxyjump ssh-gw.guest.internal',
      'stricthostkeychecking true',
    ]) {
      expect(effective.split('\n')).toContain(line)
    }
  })

  test('for a client that is not there names those that are', () => {
    const { code, stderr } = provision(['ssh-config', lan, '--client', 'x'])
    expect([code, stderr]).toEqual([
      2,
      `provision: error: there is no client x in ${lan}\nprovision: hint: the clients are: host001.guest.internal\n`,
    ])
  })

  test('has no known_hosts lines of hosts that nobody has pinned, and says so', () => {
    const file = join(folder, 'unpinned.json')
    writeFileSync(file, readFileSync(join(root, 'inventory/examples/smallest.json'), 'utf8'))
    const { code, stdout, stderr } = provision(['ssh-config', file, '--known-hosts'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('no full host key is pinned for ssh-gw.guest.internal, host-a.lan.internal')
    expect(stderr).toContain('provision trust')
  })
})
