import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { spareOf } from '../../src/commands/restore/spare.ts'
import { nothingKept } from '../../src/run/kept-file.ts'
import { newKey } from '../../src/ssh/host-keys/new-key.ts'
import { parse } from '../inventory/parse.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'provision-restore-'))
  mkdirSync(join(folder, 'spare-host-keys'))
  vi.stubEnv('PROVISION_KNOWN_HOSTS', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const wanted = (gateway: object = {}) => {
  const inventory = {
    ...parse(
      JSON.stringify({ gateways: { gw: gateway }, devices: { a: { forwards: ['127.0.0.1:9022:localhost:22'] } } }),
    ),
    file: join(folder, 'site.json'),
    directory: folder,
  }
  const [first] = inventory.gateways
  if (!first) throw new Error('no gateway')
  return spareOf(first, inventory)
}
const [one, two] = [newKey('one'), newKey('two')]
const path = (name: string) => join(folder, 'spare-host-keys', name)
/** What devices trust, and which private halves are here. */
function given(
  keys: readonly { key: string; trustedBy: readonly string[] }[],
  files: Readonly<Record<string, string>>,
) {
  const spares = { keys: keys.map((each) => ({ ...each, madeBy: 'alice on laptop' })), former: [] }
  writeFileSync(join(folder, 'site.gateways.json'), JSON.stringify({ ...nothingKept, spareHostKeys: { gw: spares } }))
  for (const [name, text] of Object.entries(files)) writeFileSync(path(name), text, { mode: 0o600 })
}

describe('the spare with which a gateway comes back', () => {
  test('is the one whose private half is here', async () => {
    given([{ key: one.publicKey, trustedBy: ['a'] }], { gw: one.privateKey })
    expect(await wanted()).toMatchObject({ publicKey: one.publicKey, privateKey: one.privateKey, trustedBy: ['a'] })
  })

  test('is the one that more devices trust while another one takes its place, and in doubt the newer one', async () => {
    const files = { gw: one.privateKey, 'gw.next': two.privateKey }
    given(
      [
        { key: one.publicKey, trustedBy: ['a', 'b'] },
        { key: two.publicKey, trustedBy: ['a'] },
      ],
      files,
    )
    expect(await wanted()).toMatchObject({ publicKey: one.publicKey })
    given(
      [
        { key: one.publicKey, trustedBy: ['a'] },
        { key: two.publicKey, trustedBy: ['a'] },
      ],
      files,
    )
    expect(await wanted()).toMatchObject({ publicKey: two.publicKey })
  })

  test('opens with its passphrase', async () => {
    given([{ key: one.publicKey, trustedBy: [] }], { gw: one.privateKey })
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'correct horse', '-f', path('gw')])
    await expect(wanted()).rejects.toMatchObject({ hint: 'set PROVISION_SPARE_PASSPHRASE instead' })
    vi.stubEnv('PROVISION_SPARE_PASSPHRASE', 'wrong horse')
    await expect(wanted()).rejects.toThrow(`this is not the passphrase of ${path('gw')}`)
    vi.stubEnv('PROVISION_SPARE_PASSPHRASE', 'correct horse')
    expect((await wanted())?.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)
  })

  test('is none where nobody has made one, where its private half is elsewhere, or of another key', async () => {
    await expect(wanted()).rejects.toThrow(
      /^gw: according to \S+site\.gateways\.json, no device trusts a spare host key of this gateway$/,
    )
    given([{ key: one.publicKey, trustedBy: ['a'] }], {})
    await expect(wanted()).rejects.toMatchObject({
      message: expect.stringMatching(/must be in \S+gw, but there is no such file; devices trust SHA256:/),
      hint: 'that key was made by alice on laptop',
    })
    given([{ key: one.publicKey, trustedBy: ['a'] }], { gw: two.privateKey, 'gw.pub': `${two.publicKey}\n` })
    await expect(wanted()).rejects.toThrow(/that file holds the key SHA256:\S+; devices trust SHA256:/)
  })

  test('is not needed where an authority vouches for the gateway, or where it proves the spare already', async () => {
    expect(await wanted({ hostKeys: [`@cert-authority ${two.publicKey}`] })).toBeUndefined()
    given([{ key: one.publicKey, trustedBy: ['a'] }], { gw: two.privateKey })
    writeFileSync(join(folder, 'known_hosts'), `gw ${one.publicKey}\n`)
    expect(await wanted()).toBeUndefined()
  })
})
