import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { trustHosts } from '../../../src/commands/trust.ts'
import { fingerprintOf, openPins } from '../../../src/ssh/host-keys/pins.ts'
import { reachContext } from '../../../src/ssh/reach/reach.ts'
import { host, type Lab, lab, logins, type Sshd, transports } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  let ca: string
  const authority = (key = ca) => `@cert-authority ${plainText(key)}`
  /** An sshd whose host key the authority has signed, as `ssh-keygen -s` is told. */
  const certified = async (name: string, ...words: readonly string[]) => {
    const key = it.keygen(name)
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-h', '-I', name, ...words, `${key}.pub`])
    const found = await it.sshd({ hostKeys: [], config: [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`] })
    return { ...found, hostKeys: [plainText(key)] }
  }
  beforeAll(async () => {
    it = lab(transport)
    ca = it.keygen('ca')
    sshd = await certified('certified', '-n', 'host-a.lan.internal')
  })
  afterAll(() => it.end())
  beforeEach(() => writeFileSync(it.knownHosts, ''))

  const { login, failure, closeAll } = logins(() => ({ it, sshd }))
  afterEach(closeAll)

  describe('a host certificate', () => {
    test('is taken where its authority is pinned, and stands for the key that it is about', async () => {
      const wire = it.wire()
      const first = await login({ pins: [authority()] }, wire)
      expect(first.hostKey).toBe(sshd.hostKeys[0])
      expect(wire.counts).toMatchObject({ connections: 2, logins: 1 })
      // Looked at once in a run.
      await login({ pins: [authority()] }, wire)
      expect(wire.counts).toMatchObject({ connections: 3, logins: 2 })
      expect(readFileSync(it.knownHosts, 'utf8')).toBe('')
    })

    test('is taken where known_hosts has its authority for the name of the host', async () => {
      writeFileSync(it.knownHosts, `@cert-authority *.lan.internal ${plainText(ca)}\n`)
      expect((await login({ pins: [] })).hostKey).toBe(sshd.hostKeys[0])
      writeFileSync(it.knownHosts, `@cert-authority *.elsewhere ${plainText(ca)}\n`)
      expect(await failure({ pins: [] })).toMatchObject({ kind: 'unknown-host-key' })
    })

    test('counts where the host has another key than the one pinned', async () => {
      const stranger = plainText(it.keygen(`stranger-${transport}`))
      expect((await login({ pins: [stranger, authority()] })).hostKey).toBe(sshd.hostKeys[0])
      expect(await failure({ pins: [stranger] })).toMatchObject({ kind: 'changed-host-key' })
    })

    test('of another authority does not count', async () => {
      const other = it.keygen(`other-ca-${transport}`)
      expect(await failure({ pins: [authority(other)] })).toMatchObject({
        kind: 'changed-host-key',
        message: expect.stringContaining(`the pinned authority is ${fingerprintOf(plainText(other))}`),
      })
    })

    test('that is revoked, or whose authority is, does not count', async () => {
      for (const revoked of [plainText(ca), sshd.hostKeys[0]]) {
        writeFileSync(
          it.knownHosts,
          `@cert-authority host-a.lan.internal ${plainText(ca)}\n@revoked host-a.lan.internal ${revoked}\n`,
        )
        expect(await failure({ pins: [] })).toMatchObject({ kind: 'changed-host-key' })
      }
    })

    test.each([
      ['for every name', [], 'changed-host-key', /it is for no name/],
      ['for another name', ['-n', 'host-b.lan.internal'], 'changed-host-key', /it is for host-b.lan.internal/],
      ['that has expired', ['-n', 'host-a.lan.internal', '-V', '-2d:-1d'], 'unknown-host-key', /it has expired/],
    ])('%s does not count', async (title, words, kind, why) => {
      const other = await certified(title.replaceAll(' ', '-'), ...words)
      const onUnknown = async () => expect.fail('nobody is asked about a key where only an authority is pinned')
      const pins = openPins({ file: it.knownHosts, onUnknown })
      expect(await failure({ pins: [authority()] }, it.wire({ pins }), other)).toMatchObject({
        kind,
        message: expect.stringMatching(why),
      })
    })

    test('that is not there is asked for', async () => {
      const bare = await it.sshd()
      expect(await failure({ pins: [authority()] }, it.wire(), bare)).toMatchObject({
        kind: 'unknown-host-key',
        message: expect.stringContaining('host-a.lan.internal presented no certificate'),
        hint: expect.stringContaining('HostCertificate'),
      })
    })

    test('makes its host known to `trust`, which pins nothing', async () => {
      writeFileSync(it.knownHosts, `@cert-authority * ${plainText(ca)}\n`)
      const gateways = [host(it, sshd, { pins: [] })]
      const context = reachContext({ gateways }, { wire: it.wire() })
      const printed: string[] = []
      const inventory = { file: 'i.json', directory: it.folder, gateways, devices: [], clients: [], groups: [] }
      await trustHosts(inventory, {
        context,
        pins: openPins({ file: it.knownHosts, onUnknown: async () => true }),
        print: (text) => printed.push(text),
        ask: () => expect.fail('a question'),
      })
      context.closeAll()
      expect(printed).toEqual([`host-a.lan.internal  ssh-ed25519  ${fingerprintOf(sshd.hostKeys[0] ?? '')}  known`])
      expect(readFileSync(it.knownHosts, 'utf8')).toBe(`@cert-authority * ${plainText(ca)}\n`)
    })
  })

  test.each(['rsa', 'ecdsa'])('a certificate of an %s key stands for that key', async (type) => {
    const key = it.keygen(`certified-${type}`, '-t', type)
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-h', '-I', type, '-n', 'host-a.lan.internal', `${key}.pub`])
    const other = await it.sshd({ hostKeys: [], config: [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`] })
    expect((await login({ pins: [authority()] }, it.wire(), other)).hostKey).toBe(plainText(key))
  })
})

function plainText(key: string): string {
  return readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
}
