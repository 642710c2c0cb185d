import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RemoteError } from '../../../src/errors.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import type { FullSession, Streams } from '../../../src/ssh/session/session.ts'
import { host, type Lab, lab, program, type Sshd, transports, until } from './fixture.ts'

/** Keeps what is written to it. */
function kept() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, bytes: () => Buffer.concat(chunks), text: () => Buffer.concat(chunks).toString() }
}

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let sshd: Sshd
  let session: FullSession
  beforeAll(async () => {
    it = lab(transport)
    sshd = await it.sshd({ config: ['Subsystem sftp internal-sftp'] })
    session = await connect(host(it, sshd), { wire: it.wire() })
  })
  afterAll(() => {
    session.close()
    it.end()
  })

  async function run(line: string, more: Partial<Streams> = {}) {
    const [out, errors] = [kept(), kept()]
    const code = await session.stream(line, { privileged: false, stdout: out.stream, stderr: errors.stream, ...more })
    return { code, stdout: out.text(), stderr: errors.text() }
  }

  test('a line is run by a shell, and gives back its exit code and both outputs', async () => {
    expect(await run('echo "a  b" $((1+1)); printf no-line-end; echo wrong >&2; exit 255')).toEqual({
      code: 255,
      stdout: 'a  b 2\nno-line-end',
      stderr: 'wrong\n',
    })
  })

  test('every byte of the input comes back, more of them than any buffer holds', async () => {
    const bytes = randomBytes(3_000_000)
    const out = kept()
    const stdin = Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])
    expect(await session.stream('cat', { privileged: false, stdin, stdout: out.stream, stderr: kept().stream })).toBe(0)
    expect(out.bytes().equals(bytes)).toBe(true)
  })

  test('the end is the end, though the input stays open and something was left behind', async () => {
    const stdin = new PassThrough()
    expect(await run('sleep 60 & echo done', { stdin })).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
  })

  test('what is written comes at once, up to the last byte', async () => {
    const out = kept()
    const stdin = new PassThrough()
    const ended = session.stream('printf "name\\n> "; read -r name; echo "$name"', {
      ...{ privileged: false, stdin, stdout: out.stream, stderr: kept().stream },
    })
    await until(() => out.text() === 'name\n> ')
    stdin.write('pi\n')
    expect([await ended, out.text()]).toEqual([0, 'name\n> pi\n'])
  })

  test('an abort ends what runs there, and its children', async () => {
    const pids = join(it.folder, `pids-${transport}`)
    const controller = new AbortController()
    const ended = run(`sleep 300 & echo $$ $! >${pids}.new; mv ${pids}.new ${pids}; wait`, {
      signal: controller.signal,
    })
    const running = () => readFileSync(pids, 'utf8').trim().split(' ').map(Number)
    await until(() => {
      try {
        return running().length === 2
      } catch {
        return false
      }
    })
    controller.abort()
    expect((await ended).code).toBe(130)
    // One that nobody reaps is gone as well.
    const isThere = (pid: number) => {
      const stat = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ''
      return /\) [^Z] /.test(stat)
    }
    await until(() => !running().some(isThere))
  })

  test('a shell that begins too late runs nothing, and that is no success', async () => {
    const slow = await it.sshd({ config: ['ForceCommand sleep 3; eval "$SSH_ORIGINAL_COMMAND"'] })
    const late = await connect(host(it, slow), { wire: it.wire({ connectTimeoutMs: 1500 }) })
    const ran = join(it.folder, 'ran')
    const streams = { privileged: false, stdout: kept().stream, stderr: kept().stream }
    const error = await late.stream(`echo ran >${ran}`, streams).catch((error: RemoteError) => error)
    late.close()
    expect(error).toMatchObject({
      kind: 'timeout',
      message: 'the shell there did not begin within 1.5 s, so nothing was run',
    })
    expect(existsSync(ran)).toBe(false)
  })

  test('what was aborted before it began never runs', async () => {
    const ran = join(it.folder, `ran-${transport}`)
    const controller = new AbortController()
    const ended = run(`echo >${ran}`, { signal: controller.signal })
    controller.abort()
    expect((await ended).code).toBe(130)
    expect((await run('sleep 0.3')).code).toBe(0)
    expect(existsSync(ran)).toBe(false)
  })

  test('an output that is not wanted any more ends the command', async () => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const ended = session.stream('yes', { privileged: false, stdout: full, stderr: kept().stream })
    await expect(ended).rejects.toThrow('EPIPE')
  })

  test('a connection that is lost is no end', async () => {
    const other = await connect(host(it, sshd), { wire: it.wire() })
    const out = kept()
    const ended = other.stream('echo begun; exec sleep 5', {
      ...{ privileged: false, stdout: out.stream, stderr: kept().stream },
    })
    const failure = ended.catch((error: RemoteError) => error.kind)
    await until(() => out.text() === 'begun\n')
    other.close()
    expect(await failure).toBe('lost')
  })

  test('a file goes there and back, whatever its name is', async () => {
    const folder = join(it.folder, `files-${transport}`)
    mkdirSync(folder)
    const [here, there, again] = ['here', `it's "a" *[1] \\ # ü`, 'b * c'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const bytes = randomBytes(500_000)
    writeFileSync(here, bytes)
    await session.put(here, there)
    expect(readFileSync(there).equals(bytes)).toBe(true)
    await session.get(there, again)
    expect(readFileSync(again).equals(bytes)).toBe(true)
    writeFileSync(here, '')
    await session.put(here, there)
    expect(readFileSync(there).length).toBe(0)
  })

  test('a file of the kernel is not empty, though it has no size', async () => {
    const here = join(it.folder, 'status')
    await session.get('/proc/self/status', here)
    expect(readFileSync(here, 'utf8')).toContain('Pid:')
  })

  test('a file that is not there is told in the words of its sftp', async () => {
    const failure = await session.get('/no/such/file', join(it.folder, 'x')).catch((error: RemoteError) => error)
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringMatching(/^sftp: .*(No such|not found)/) })
  })
})

describe.each(transports)('over %s, as root by way of a sudo that asks', (transport) => {
  let it: Lab
  let sshd: Sshd
  beforeAll(async () => {
    it = lab(transport)
    const bin = join(it.folder, 'bin')
    mkdirSync(bin)
    program(join(bin, 'id'), '#!/bin/sh\n[ "$AS_ROOT" ] && echo 0 || echo 1000\n')
    program(
      join(bin, 'sudo'),
      `#!/bin/sh
non=
while [ $# -gt 0 ]; do case $1 in -n) non=1; shift;; -S) shift;; -p | -u) shift 2;; *) break;; esac; done
[ "$non" ] && { echo "sudo: a password is required" >&2; exit 1; }
IFS= read -r line
[ "$line" = secret ] || { echo "Sorry, try again." >&2; echo "sudo: 1 incorrect password attempt" >&2; exit 1; }
AS_ROOT=1 exec "$@"
`,
    )
    sshd = await it.sshd({ path: `${bin}:/usr/bin:/bin` })
  })
  afterAll(() => it.end())

  async function run(line: string, { password, ...more }: Partial<Streams> & { password?: string } = {}) {
    const session = await connect(host(it, sshd, { login: { sudo: true } }), {
      wire: it.wire({ sudoPassword: password }),
    })
    const [out, errors] = [kept(), kept()]
    try {
      const code = await session.stream(line, { privileged: true, stdout: out.stream, stderr: errors.stream, ...more })
      return { code, stdout: out.text(), stderr: errors.text() }
    } catch (error) {
      return error as RemoteError
    } finally {
      session.close()
    }
  }

  test('the line has its own input and never the password, and ends though more could come in', async () => {
    const stdin = new PassThrough()
    stdin.write('word\n')
    const line = 'echo "root: $AS_ROOT"; read -r word; echo "$word"; env | grep -c secret; echo wrong >&2; exit 7'
    expect(await run(line, { password: 'secret', stdin })).toEqual({
      code: 7,
      stdout: 'root: 1\nword\n0\n',
      stderr: 'wrong\n',
    })
  })

  test('without it, or with a wrong one, nothing runs and the reason is told', async () => {
    expect(await run('echo ran')).toMatchObject({
      kind: 'sudo',
      message: expect.stringContaining('requires the password'),
    })
    expect(await run('echo ran', { password: 'wrong' })).toMatchObject({
      kind: 'sudo',
      message: expect.stringContaining('refused the password'),
    })
  })
})
