import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ConnectError } from '../../../src/errors.ts'
import { fingerprintOf } from '../../../src/ssh/host-keys/pins.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import { host, type Lab, me, type Sshd, sessionTests, transports, until } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  const { login, failure, closing } = sessionTests({ transport, hostKeys: ['ed25519', 'rsa'] }, (made) => {
    it = made.it
    sshd = made.sshd
  })
  beforeEach(() => writeFileSync(it.knownHosts, ''))

  describe('a login', () => {
    test('that is refused is not tried again, and says what was offered', async () => {
      const stranger = it.keygen('stranger')
      const wire = it.wire()
      const before = sshd.log().length
      expect(await failure({ login: { identityFile: stranger } }, wire)).toMatchObject({
        kind: 'login',
        message: `the login as ${me} was refused`,
        hint: expect.stringContaining(`offered: ${stranger} ${fingerprintOf(readFileSync(`${stranger}.pub`, 'utf8'))}`),
      })
      expect(wire.counts).toMatchObject({ connections: 1, retries: 0, logins: 0 })
      expect(
        sshd
          .log()
          .slice(before)
          .match(/Connection from/g),
      ).toHaveLength(1)
      expect(
        sshd
          .log()
          .slice(before)
          .match(/Failed publickey/g),
      ).toHaveLength(1)
    })

    test('with a locked key and no agent says to ssh-add it', async () => {
      const locked = it.keygen('locked', '-N', 'geheim', '-a', '1')
      const error = await failure({ login: { identityFile: locked } })
      expect(error).toMatchObject({ kind: 'login', hint: expect.stringContaining(`\`ssh-add ${locked}\` first`) })
      expect(error.hint).toContain('there was no key to offer')
    })

    test('with a key that is not there says so', async () => {
      expect((await failure({ login: { identityFile: '/nowhere/key' } })).hint).toContain(
        '/nowhere/key: there is no such key file',
      )
    })

    test('with an RSA key signs without SHA-1', async () => {
      const key = it.keygen('rsa-client', '-t', 'rsa', '-b', '2048')
      const modern = await it.sshd({ authorized: [key] })
      expect(await login({ login: { identityFile: key } }, it.wire(), modern)).toMatchObject({
        hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
      })
    })

    test('offers what ~/.ssh/config names, each once and at most five', async () => {
      const keys = Array.from({ length: 7 }, (_, index) => it.keygen(`many-${index}`))
      const config = join(it.folder, 'config')
      writeFileSync(config, [...keys, ...keys].map((key) => `IdentityFile ${key}\n`).join(''))
      const before = sshd.log().length
      const hostA = host(it, sshd)
      const { identityFile: _, ...bare } = hostA.login
      const error = await connect({ ...hostA, login: bare }, { wire: it.wire({ sshConfig: config }) }).catch(
        (error: ConnectError) => error,
      )
      expect(error).toMatchObject({ kind: 'login' })
      expect(
        sshd
          .log()
          .slice(before)
          .match(/Failed publickey/g),
      ).toHaveLength(5)
    })

    test('takes user, host name and port from ~/.ssh/config', async () => {
      const config = join(it.folder, 'config-2')
      writeFileSync(
        config,
        `Host host-a*\n User ${me}\n HostName 127.0.0.1\n Port ${sshd.port}\n IdentityFile ~/client\n`,
      )
      const { address: _a, port: _p, ...bare } = host(it, sshd)
      const session = await connect({ ...bare, login: { sudo: true } }, { wire: it.wire({ sshConfig: config }) })
      closing(session)
      expect((await session.exec('echo yes', { timeoutMs: 5000, privileged: false })).stdout.toString()).toBe('yes\n')
    })

    test('needs an ssh program only where that is the transport', async () => {
      const wire = it.wire({ env: { HOME: it.folder, PATH: '/nowhere' } })
      expect(await wire.userConfig('host-a')).toMatchObject({
        hostname: 'host-a',
        port: 22,
        user: me,
        identityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(it.folder, '.ssh', name)),
      })
      if (transport === 'node-ssh')
        return void expect(await login({}, wire)).toMatchObject({ hostKey: expect.stringMatching(/^(ssh|ecdsa)-/) })
      expect(await failure({}, wire)).toMatchObject({
        kind: 'login',
        message: 'there is no program ssh here (PATH)',
        hint: expect.stringContaining('OpenSSH 8.5'),
      })
    })
  })

  describe('an agent', () => {
    const socket = () => join(it.folder, 'agent')
    beforeAll(async () => {
      const agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: 'ignore' })
      agents.push(agent)
      await until(
        () => succeeds(() => execFileSync('ssh-add', ['-l'], { env: env(), stdio: 'ignore' }), 1),
        'the agent',
      )
    })
    const agents: ReturnType<typeof spawn>[] = []
    afterAll(() => {
      for (const agent of agents) agent.kill()
    })
    const env = () => ({ HOME: it.folder, PATH: process.env.PATH, SSH_AUTH_SOCK: socket() })
    const add = (key: string) => execFileSync('ssh-add', ['-q', key], { env: env() })

    test('gives its keys, and the one that was named first of all', async () => {
      for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) add(it.keygen(`agent-${name}`))
      const key = it.keygen('agent-seven')
      add(key)
      renameSync(key, `${key}.away`)
      const other = await it.sshd({ authorized: [key] })
      const wire = it.wire({ env: env() })
      for (const identityFile of [key, `${key}.pub`])
        expect(await login({ login: { identityFile } }, wire, other)).toMatchObject({
          hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
        })
      expect(other.log()).not.toContain('Failed publickey')
      const bare = host(it, other)
      const unnamed = { ...bare, login: { user: me, sudo: true } }
      const error = await connect(unnamed, { wire: it.wire({ env: env() }) }).catch((error: ConnectError) => error)
      expect(error).toMatchObject({ kind: 'login' })
      // ssh offers what else it has, and sshd ends that.
      expect(other.log().match(/Failed publickey/g)).toHaveLength(transport === 'openssh' ? 6 : 5)
      // What one host has accepted comes first at the next one.
      const found = await connect(unnamed, { wire })
      found.close()
      expect(found.login?.key).toMatch(/^SHA256:/)
    })

    test.each([
      ['ed25519', []],
      ['ecdsa', ['-b', '521']],
      ['rsa', ['-b', '2048']],
    ])('full of other keys does not hide a file: %s', async (type, bits) => {
      for (const name of ['one', 'two', 'three', 'four', 'five']) add(it.keygen(`full-${type}-${name}`))
      const key = it.keygen(`id_${type}`, '-t', type, ...bits)
      const other = await it.sshd({ config: ['MaxAuthTries 1'], authorized: [key] })
      const wire = it.wire({ env: env() })
      const files = { ...(await wire.userConfig('x')), identityFiles: [key] }
      const session = await connect(
        { ...host(it, other), login: { user: me, sudo: true } },
        { wire: { ...wire, userConfig: async () => files } },
      )
      session.close()
      expect(session.login?.key).toBe(fingerprintOf(readFileSync(`${key}.pub`, 'utf8')))
    })

    test('that is gone holds no keys', async () => {
      const wire = it.wire({ env: { ...env(), SSH_AUTH_SOCK: join(it.folder, 'gone') } })
      expect(await login({}, wire)).toMatchObject({ hostKey: expect.stringMatching(/^(ssh|ecdsa)-/) })
    })

    test('unlocks a key with a passphrase', async () => {
      const key = it.keygen('locked-2', '-N', 'geheim', '-a', '1')
      const asker = join(it.folder, 'asker')
      writeFileSync(asker, '#!/bin/sh\necho geheim\n', { mode: 0o755 })
      execFileSync('ssh-add', ['-q', key], {
        env: { ...env(), SSH_ASKPASS: asker, SSH_ASKPASS_REQUIRE: 'force' },
        stdio: 'ignore',
      })
      const other = await it.sshd({ authorized: [key] })
      expect(await login({ login: { identityFile: key } }, it.wire({ env: env() }), other)).toMatchObject({
        hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
      })
      renameSync(`${key}.pub`, `${key}.pub.away`)
      expect(await login({ login: { identityFile: key } }, it.wire({ env: env() }), other)).toMatchObject({
        hostKey: expect.stringMatching(/^(ssh|ecdsa)-/),
      })
    })
  })

  /** Ran, with an exit code up to this one. */
  function succeeds(run: () => unknown, most: number): boolean {
    try {
      run()
      return true
    } catch (error) {
      return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status <= most
    }
  }
})
