import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { fingerprintOf, openPins } from '../../../src/ssh/host-keys/pins.ts'
import { type Lab, type Sshd, sessionTests, transports } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  const { login, failure } = sessionTests({ transport, hostKeys: ['ed25519', 'rsa'] }, (made) => {
    it = made.it
    sshd = made.sshd
  })
  beforeEach(() => writeFileSync(it.knownHosts, ''))
  const print = (index: number) => fingerprintOf(sshd.hostKeys[index] ?? '')

  describe('a host key', () => {
    test('pinned in the inventory, as a key or as a fingerprint, is taken', async () => {
      expect((await login()).hostKey).toBe(sshd.hostKeys[0])
      expect((await login({ pins: [print(0)] })).hostKey).toBe(sshd.hostKeys[0])
    })

    test('of which only the RSA one is pinned is asked for by type', async () => {
      expect((await login({ pins: [sshd.hostKeys[1] ?? ''] })).hostKey).toBe(sshd.hostKeys[1])
    })

    test('is not the only one that is proved: sshd proves all it has, right behind the login', async () => {
      const session = await login()
      await session.exec(':\n', { timeoutMs: 10_000, privileged: false })
      expect([...session.hostKeys()].sort()).toEqual([...sshd.hostKeys].sort())
    })

    test('that is pinned and no longer served is not proved', async () => {
      const gone = readFileSync(`${it.keygen(`gone-${transport}`)}.pub`, 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ')
      const session = await login({ pins: [gone, ...sshd.hostKeys] })
      await session.exec(':\n', { timeoutMs: 10_000, privileged: false })
      expect([...session.hostKeys()].sort()).toEqual([...sshd.hostKeys].sort())
      session.close()
      expect(session.hostKeys()).toHaveLength(2)
    })

    test('in a hashed known_hosts is found', async () => {
      writeFileSync(it.knownHosts, `host-a.lan.internal ${sshd.hostKeys[1]}\n`)
      execFileSync('ssh-keygen', ['-Hf', it.knownHosts], { stdio: 'ignore' })
      expect((await login({ pins: [] })).hostKey).toBe(sshd.hostKeys[1])
    })

    test('that is unknown is refused before anything of ours is sent', async () => {
      const before = sshd.log().length
      expect(await failure({ pins: [] })).toMatchObject({
        kind: 'unknown-host-key',
        message: expect.stringContaining(print(0)),
      })
      expect(sshd.log().slice(before)).not.toContain('publickey')
      expect(readFileSync(it.knownHosts, 'utf8')).toBe('')
    })

    test('that is unknown is pinned when the user says so, and asked for once', async () => {
      const asked: string[] = []
      const wire = it.wire({
        pins: openPins({
          file: it.knownHosts,
          onUnknown: async (at, key) => asked.push(`${at.name} ${key.fingerprint}`) > 0,
        }),
      })
      await Promise.all([login({ pins: [] }, wire), login({ pins: [] }, wire)])
      await login({ pins: [] }, wire)
      expect(asked).toEqual([`host-a.lan.internal ${print(0)}`])
      expect(readFileSync(it.knownHosts, 'utf8')).toBe(`host-a.lan.internal ${sshd.hostKeys[0]}\n`)
    })

    test('that has changed is refused, whoever asks', async () => {
      const other = readFileSync(`${it.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
      const wire = it.wire({ pins: openPins({ file: it.knownHosts, onUnknown: async () => true }) })
      expect(await failure({ pins: [other] }, wire)).toMatchObject({
        kind: 'changed-host-key',
        message: expect.stringContaining(
          `the pinned one: ssh-ed25519 ${print(0)}, pinned is ssh-ed25519 ${fingerprintOf(other)}`,
        ),
      })
      expect(await failure({ pins: [fingerprintOf(other)] }, wire)).toMatchObject({ kind: 'changed-host-key' })
    })

    test('that has changed is taken when the user named the host', async () => {
      const other = readFileSync(`${it.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
      writeFileSync(it.knownHosts, `host-a.lan.internal ${other}\n`)
      const pins = openPins({ file: it.knownHosts, acceptNew: new Set(['host-a.lan.internal']) })
      await login({ pins: [] }, it.wire({ pins }))
      expect(readFileSync(it.knownHosts, 'utf8')).toBe(`host-a.lan.internal ${sshd.hostKeys[0]}\n`)
    })

    test('that is revoked is refused', async () => {
      writeFileSync(it.knownHosts, `host-a.lan.internal ${sshd.hostKeys[0]}\n@revoked * ${sshd.hostKeys[0]}\n`)
      expect(await failure({ pins: [] })).toMatchObject({
        kind: 'changed-host-key',
        message: expect.stringContaining('@revoked'),
      })
    })
  })
})
