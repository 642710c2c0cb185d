import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fakeKey, type Lab, me, sessionTests, until } from './fixture.ts'

// What only OpenSSH can do, and what node-ssh says about it.
const hint = expect.stringContaining('--transport openssh')
let it: Lab
const { login, failure } = sessionTests({ transport: 'openssh' }, (made) => {
  it = made.it
})
const nodeSsh = () => it.wire({ transport: 'node-ssh' })

describe('only OpenSSH', () => {
  test('logs in where a server speaks post-quantum key exchange alone', async () => {
    const modern = await it.sshd({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] })
    expect(await failure({}, nodeSsh(), modern)).toMatchObject({ kind: 'login', hint })
    expect(await login({}, it.wire(), modern)).toMatchObject({ hostKey: expect.stringMatching(/^(ssh|ecdsa)-/) })
  })

  test.each([
    ['that a server trusts', (ca: string) => ({ config: [`TrustedUserCAKeys ${ca}.pub`], authorized: [] })],
    ['that an account trusts', (ca: string) => ({ authorized: [`cert-authority,principals="${me}" ${line(ca)}`] })],
  ])('logs in with a certificate of an authority %s', async (title, options) => {
    const ca = it.keygen(`user-ca-${title.length}`)
    const key = it.keygen(`certified-${title.length}`)
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', me, `${key}.pub`])
    const strict = await it.sshd(options(ca))
    const refused = await failure({ login: { identityFile: key } }, nodeSsh(), strict)
    expect(refused).toMatchObject({ kind: 'login', hint })
    expect(refused.hint).toContain(`${key}-cert.pub`)
    expect(await login({ login: { identityFile: key } }, it.wire(), strict)).toMatchObject({
      hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
    })
    const other = await failure({ login: { identityFile: it.keygen(`plain-${title.length}`) } }, it.wire(), strict)
    expect(other).toMatchObject({ kind: 'login', message: `the login as ${me} was refused` })
  })

  test('takes a certificate that ssh_config names', async () => {
    const ca = it.keygen('named-ca')
    const key = it.keygen('named')
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', me, `${key}.pub`])
    const certificate = join(it.folder, '50% my certificate')
    renameSync(`${key}-cert.pub`, certificate)
    const strict = await it.sshd({ config: [`TrustedUserCAKeys ${ca}.pub`], authorized: [] })
    const config = join(it.folder, 'config-certificate')
    writeFileSync(config, `Host *\n CertificateFile "${certificate.replace('%', '%%')}"\n`)
    const named = { login: { identityFile: key } }
    expect(await login(named, it.wire({ sshConfig: config }), strict)).toMatchObject({
      hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
    })
    expect(await failure(named, it.wire(), strict)).toMatchObject({ kind: 'login' })
  })

  test('is named where a FIDO key is the only one there is', async () => {
    const key = join(it.folder, 'id_ed25519_sk')
    writeFileSync(key, fakeKey('sk-ssh-ed25519@openssh.com').file, { mode: 0o600 })
    const error = await failure({ login: { identityFile: key } }, nodeSsh())
    expect(error).toMatchObject({ kind: 'login', hint })
    expect(error.hint).toContain(`node-ssh cannot offer ${key} (sk-ssh-ed25519@openssh.com)`)
    // There is no token here: ssh offers the key, and sshd does not know it.
    const offered = await failure({ login: { identityFile: key } })
    expect(offered.hint).toContain(`offered: ${key} SHA256:`)
    expect(offered.hint).not.toContain('--transport')
  })

  test('is named where an agent holds a FIDO key', async () => {
    const socket = join(it.folder, 'fido-agent')
    const { blob } = fakeKey('sk-ssh-ed25519@openssh.com')
    const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
    const answer = Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), part(blob), part(Buffer.from('touch me'))])
    const agent = createServer((peer) => peer.once('data', () => peer.end(part(answer))).on('error', () => undefined))
    await new Promise<void>((resolve) => agent.listen(socket, resolve))
    const env = { HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket }
    const stranger = it.keygen('stranger')
    const error = await failure({ login: { identityFile: stranger } }, it.wire({ transport: 'node-ssh', env }))
    expect(error.hint).toContain(`the agent's sk-ssh-ed25519@openssh.com`)
    agent.close()
  })

  test('uses a key that its agent binds to a host, and there alone', async () => {
    const socket = join(it.folder, 'bound-agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    const env = { HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket }
    try {
      await until(() => existsSync(socket), 'the agent')
      const key = it.keygen('bound')
      const [one, other] = [await it.sshd({ authorized: [key] }), await it.sshd({ authorized: [key] })]
      const known = join(it.folder, 'bound-hosts')
      writeFileSync(known, `host-a ${one.hostKeys[0]}\n`)
      execFileSync('ssh-add', ['-q', '-H', known, '-h', 'host-a', key], { env })
      rmSync(key)
      const bound = { login: { identityFile: key } }
      expect(await failure(bound, it.wire({ transport: 'node-ssh', env }), one)).toMatchObject({ kind: 'login', hint })
      expect(await login(bound, it.wire({ env }), one)).toMatchObject({
        hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
      })
      expect(await failure(bound, it.wire({ env }), other)).toMatchObject({ kind: 'login' })
    } finally {
      agent.kill()
    }
  })
})

function line(key: string): string {
  return readFileSync(`${key}.pub`, 'utf8').trim()
}
