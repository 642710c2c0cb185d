import { EventEmitter } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RemoteError } from '../../../src/errors.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import { type Gone, hostIsSilent, keepaliveCount, type Link } from '../../../src/ssh/session/link.ts'
import { openSession } from '../../../src/ssh/session/open-session.ts'
import { host, type Lab, lab, me, transports } from './fixture.ts'

/** What is said of hosts that do something else than what was asked of them. */
describe.each(transports)('over %s', (transport) => {
  let it: Lab
  beforeAll(() => {
    it = lab(transport)
  })
  afterAll(() => it.end())

  const plain = { timeoutMs: 10_000, privileged: false }

  test.each(['cat >/dev/null', 'head -c 10 >/dev/null', 'read -r line'])(
    'a login that runs `%s` before our shell runs no part of the script, and says so',
    async (reads) => {
      const config = [`ForceCommand ${reads}; eval "$SSH_ORIGINAL_COMMAND"`]
      const sshd = await it.sshd({ config })
      const session = await connect(host(it, sshd), { wire: it.wire({ connectTimeoutMs: 2000 }) })
      const ran = join(it.folder, 'ran')
      const script = `echo ran >${ran}\n`.repeat(500)
      const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })
      const streams = { privileged: false, stdout: nowhere(), stderr: nowhere() }
      const refused = (ends: Promise<unknown>) => ends.catch((error: RemoteError) => error)
      const errors = await Promise.all([
        refused(session.exec(script, plain)),
        refused(session.stream(script, streams)),
        refused(session.stream(script, { ...streams, stdin: Readable.from(['more\n']) })),
      ])
      session.close()
      for (const error of errors)
        expect(error).toMatchObject({
          kind: 'refused',
          message: `the script did not arrive: something that runs at the login of ${me} read it`,
          hint: expect.stringContaining('~/.bashrc'),
        })
      expect(existsSync(ran)).toBe(false)
    },
  )

  test('too many keys: in the words of sshd, with what it was offered', async () => {
    const sshd = await it.sshd({ config: ['MaxAuthTries 2'], authorized: [it.keygen('other')] })
    const keys = ['one', 'two', 'three'].map((name) => it.keygen(`key-${name}`))
    const wire = it.wire()
    const files = { ...(await wire.userConfig('x')), identityFiles: keys }
    const error = await connect(
      { ...host(it, sshd), login: { user: me, sudo: true } },
      {
        wire: { ...wire, userConfig: async () => files },
      },
    ).catch((error: Error) => error)
    expect(error).toMatchObject({
      kind: 'login',
      message: expect.stringMatching(
        /^the login as \S+ was refused after (2|3) keys: its sshd lets nobody try more \(MaxAuthTries\); it says: Too many authentication failures$/,
      ),
      hint: expect.stringMatching(/^offered: .*key-one SHA256:\S+, .*; name the right key: login\.identityFile/),
    })
  })

  test('the banner of a host that refuses us is shown', async () => {
    const banner = join(it.folder, 'banner')
    writeFileSync(banner, '*****\nLogins with a certificate only: ask ops\n\x1b[2J\n')
    const sshd = await it.sshd({ config: [`Banner ${banner}`], authorized: [it.keygen('nobody')] })
    await expect(connect(host(it, sshd), { wire: it.wire() })).rejects.toMatchObject({
      message: expect.stringMatching(/ was refused; it says: Logins with a certificate only: ask ops \/ [^\x1b]*$/),
    })
  })
})

describe('a host that is silent', () => {
  test('is given up when --timeout is over, and after three questions at the earliest', () => {
    expect([4_000, 10_000, 15_000, 60_000].map(keepaliveCount)).toEqual([3, 3, 3, 12])
  })

  /** A session over a link that is ours to end. */
  function sessionOver(gone: Gone) {
    const it = lab()
    const ends = new EventEmitter()
    const link = {
      key: { type: 'ssh-ed25519', blob: Buffer.alloc(3) },
      proved: () => [],
      run: () => ({ closed: new Promise(() => undefined), close: () => undefined }),
      onGone: (notify: (gone: Gone) => void) => void ends.once('gone', notify),
      hangUp: () => undefined,
    } as unknown as Link
    const session = openSession({
      ...{ link, host: 'pi', via: 'direct', user: 'joe', sudo: 'never' },
      wire: it.wire({ connectTimeoutMs: 60_000 }),
    })
    const ran = session.exec(':', { timeoutMs: 1000, privileged: false })
    setImmediate(() => ends.emit('gone', gone))
    it.end()
    return ran
  }

  test('right after the login is another matter than one that is lost', async () => {
    await expect(sessionOver(hostIsSilent)).rejects.toMatchObject({
      kind: 'lost',
      seconds: 60,
      message: 'it accepted the login, and has answered nothing since, for 60 s',
      hint: expect.stringMatching(/PAM.*`--timeout 240` waits longer/),
    })
    await expect(sessionOver({ silent: false, reason: 'connection reset' })).rejects.toMatchObject({
      message: 'the connection was lost: connection reset',
    })
  })
})
