import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { keptIdentity } from '../../../src/image/seed/kept-identity.ts'
import { parseHostCertificate } from '../../../src/ssh/host-keys/host-certificate.ts'
import { inventory } from '../card-box.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-identity-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
const keygen = (...words: string[]) => execFileSync('ssh-keygen', ['-q', ...words], { stdio: 'pipe' })
for (const [name, type] of [
  ['ca', 'ed25519'],
  ['own', 'ed25519'],
  ['elliptic', 'ecdsa'],
] as const)
  keygen('-t', type, '-N', '', '-f', path(name))
keygen('-t', 'ed25519', '-N', 'secret', '-f', path('locked'))
function sign(
  name: string,
  { key = 'own', words = ['-h', '-n', 'pi.lan,pi'] }: { key?: string; words?: string[] } = {},
) {
  keygen('-s', path('ca'), '-I', 'the device', ...words, path(`${key}.pub`))
  renameSync(path(`${key}-cert.pub`), path(name))
}
sign('cert')
sign('elliptic-cert', { key: 'elliptic' })
sign('any', { words: ['-h'] })
sign('others', { words: ['-h', '-n', 'qi.lan'] })
sign('of-a-person', { words: ['-n', 'pi.lan'] })
sign('over', { words: ['-h', '-n', 'pi.lan', '-V', '20200101:20200201'] })
sign('to-come', { words: ['-h', '-n', 'pi.lan', '-V', '20990101:20990201'] })
writeFileSync(path('damaged'), readFileSync(path('cert'), 'utf8').replace(/(AAAA\S{80})\S*/, '$1'))

const [device] = inventory().devices
if (!device) throw new Error('no device')
const kept = (...names: string[]) => keptIdentity(device, names.map(path), new Date('2026-11-24T12:00:00Z'))
const text = (name: string) => readFileSync(path(name), 'utf8')

describe('of a backup', () => {
  test('nothing is wanted', async () => expect(await kept()).toEqual({ hostKeys: new Map(), files: [] }))

  test('host keys get the names that sshd has for them', async () => {
    const { hostKeys } = await kept('own', 'elliptic')
    expect([...hostKeys]).toEqual([
      ['ssh_host_ed25519_key', text('own')],
      ['ssh_host_ecdsa_key', text('elliptic')],
    ])
  })

  test('a certificate comes with what has sshd show it', async () => {
    expect((await kept('cert', 'own')).files).toEqual([
      { path: '/etc/ssh/ssh_host_ed25519_key-cert.pub', mode: '644', content: text('cert'), secret: false },
      {
        path: '/etc/ssh/sshd_config.d/ssh-host-ed25519-key-certificate.conf',
        mode: '644',
        content: 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n',
        secret: false,
      },
    ])
    expect((await kept('own', 'any', 'elliptic', 'elliptic-cert')).files).toHaveLength(4)
  })

  test.each([
    ['cert', ['cert'], 'is the certificate of a host key that was not given'],
    ['elliptic-cert', ['own', 'elliptic-cert'], 'is the certificate of a host key that was not given'],
    ['others', ['own', 'others'], 'is a certificate for qi.lan, not for pi.lan'],
    ['of-a-person', ['own', 'of-a-person'], 'is not a host certificate'],
    ['over', ['own', 'over'], 'the certificate has expired'],
    ['to-come', ['own', 'to-come'], 'the certificate is not valid yet'],
    ['damaged', ['own', 'damaged'], 'is not a host certificate'],
    ['locked', ['locked'], 'holds no private key without a passphrase'],
    ['own.pub', ['own.pub'], 'holds no private key without a passphrase'],
    ['nothing', ['nothing'], 'cannot be read'],
  ])('%s is refused among %j', async (name, names, why) => {
    await expect(kept(...names)).rejects.toThrow(`--keep-identity ${path(name)}: ${why}`)
  })
})

test('a certificate is read as ssh-keygen wrote it', () => {
  const key = text('elliptic.pub').split(' ', 2).join(' ')
  expect(parseHostCertificate(text('elliptic-cert'))).toMatchObject({
    key,
    principals: ['pi.lan', 'pi'],
    after: 0n,
    before: 0xffffffffffffffffn,
  })
})
