import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RemoteError } from '../../../src/errors.ts'
import { connect } from '../../../src/ssh/session/connect.ts'
import type { WireOptions } from '../../../src/ssh/session/wire.ts'
import { host, type Lab, lab, program, type Sshd, transports } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  // `id` and `sudo` that play the account which is not root: real root is never asked for a password.
  const secret = `p'a"s $x\\n`
  const root = { timeoutMs: 10_000, privileged: true }
  let it: Lab
  let sshd: Sshd
  let bin: string

  beforeAll(async () => {
    it = lab(transport)
    bin = join(it.folder, 'bin')
    mkdirSync(bin)
    sshd = await it.sshd({ path: `${bin}:/usr/bin:/bin` })
    program(join(bin, 'id'), '#!/bin/sh\n[ "$AS_ROOT" ] && echo 0 || echo 1000\n')
    writeFileSync(join(it.folder, 'secret'), secret)
    // As the real one: three tries, a byte at a time from stdin with -S, nothing read when it need not ask.
    program(
      join(bin, 'sudo'),
      `#!/bin/sh
mode=$(cat ${it.folder}/mode)
printf '%s\\n' "$mode: $*" >>${it.folder}/sudo.log
non=
while [ $# -gt 0 ]; do case $1 in -n) non=1; shift;; -S) shift;; -p | -u) shift 2;; *) break;; esac; done
case $mode in
some) [ "$1" = -l ] && exit 1; echo "sudo: a password is required" >&2; exit 1;;
ahead) [ "$*" = 'sh -c :' ] || head -c 4096 >/dev/null;;
not-sh) echo "Sorry, user pi is not allowed to execute '/usr/bin/sh -c :' as root on box." >&2; exit 1;;
denied) echo "pi is not in the sudoers file." >&2; exit 1;;
ask)
  [ "$non" ] && { echo "sudo: a password is required" >&2; exit 1; }
  ok=
  for try in 1 2 3; do
    IFS= read -r line || { echo "sudo: no password was provided" >&2; break; }
    printf '%s\\n' "$line" >>${it.folder}/tried
    [ "$line" = "$(cat ${it.folder}/secret)" ] && { ok=1; break; }
    echo "Sorry, try again." >&2
  done
  [ "$ok" ] || { echo "sudo: 1 incorrect password attempt" >&2; exit 1; };;
esac
AS_ROOT=1 exec "$@"
`,
    )
  })
  afterAll(() => it.end())

  async function run(
    mode: string,
    script: string,
    { input, ...options }: Partial<WireOptions> & { sudo?: boolean; input?: string } = {},
  ) {
    for (const file of ['tried', 'sudo.log']) writeFileSync(join(it.folder, file), '')
    writeFileSync(join(it.folder, 'mode'), mode)
    const session = await connect(host(it, sshd, { login: { sudo: options.sudo ?? true } }), { wire: it.wire(options) })
    try {
      const result = await session.exec(script, { ...root, ...(input !== undefined && { input }) })
      return { code: result.code, stdout: result.stdout.toString(), stderr: result.stderr.toString() }
    } catch (error) {
      return error as RemoteError
    } finally {
      session.close()
    }
  }
  const tried = () => readFileSync(join(it.folder, 'tried'), 'utf8')
  const script = 'echo "root: $AS_ROOT"; echo err >&2; env; exit 4'

  describe('sudo', () => {
    test('that asks for nothing runs the script as root', async () => {
      expect(await run('free', 'echo "root: $AS_ROOT"; echo err >&2; exit 4')).toEqual({
        code: 4,
        stdout: 'root: 1\n',
        stderr: 'err\n',
      })
      expect(readFileSync(join(it.folder, 'sudo.log'), 'utf8').trim().split('\n')).toHaveLength(1)
    })

    test('that wants a password we do not have says where to give one', async () => {
      expect(await run('ask', script)).toMatchObject({
        name: 'RemoteError',
        kind: 'sudo',
        message: expect.stringMatching(/^sudo requires the password of \S+$/),
        hint: expect.stringMatching(/--ask-sudo-password or PROVISION_SUDO_PASSWORD/),
      })
    })

    test('that wants the password gets it, and the script never sees it', async () => {
      const result = await run('ask', script, { sudoPassword: secret })
      expect(result).toMatchObject({ code: 4, stderr: 'err\n', stdout: expect.stringMatching(/^root: 1\n/) })
      expect(JSON.stringify(result)).not.toContain(JSON.stringify(secret).slice(1, -1))
      expect(readFileSync(join(it.folder, 'sudo.log'), 'utf8')).not.toContain('$x')
    })

    test('that does not ask after all leaves no password in the script', async () => {
      const result = await run('free', 'echo "root: $AS_ROOT"; cat', { sudoPassword: secret })
      expect(result).toEqual({ code: 0, stdout: 'root: 1\n', stderr: '' })
    })

    test('with a wrong password fails once, and takes no line of the script for another', async () => {
      const error = await run('ask', 'echo ran', { sudoPassword: 'wrong' })
      expect(error).toMatchObject({
        kind: 'sudo',
        message: expect.stringMatching(/^sudo refused the password of \S+$/),
      })
      expect(tried()).toBe('wrong\n')
      expect(`${error}`).not.toContain('wrong')
    })

    test.each([
      ['asks for nothing', 'free', undefined],
      ['asks for nothing, with a password', 'free', secret],
      ['wants the password', 'ask', secret],
    ])('that %s leaves the script its own input, to the last byte', async (_, mode, sudoPassword) => {
      // Longer than what a shell reads at once, and no line end at its end.
      const long = `echo "root: $AS_ROOT"; cat # ${'é'.repeat(9000)}\n`
      const input = `${'one line\n'.repeat(2000)}${secret} and no end`
      expect(await run(mode, long, { sudoPassword, input })).toEqual({
        code: 0,
        stdout: `root: 1\n${input}`,
        stderr: '',
      })
      expect(await run(mode, 'cat', { sudoPassword, input: '' })).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(readFileSync(join(it.folder, 'sudo.log'), 'utf8')).not.toContain('one line')
    })

    test('that does not know the account says so', async () => {
      for (const sudoPassword of [undefined, secret]) {
        expect(await run('denied', script, { sudoPassword })).toMatchObject({
          kind: 'sudo',
          message: expect.stringMatching(/may not use sudo: pi is not in the sudoers file\.$/),
        })
      }
    })

    test.each([
      ['has no password for it', 'some', undefined],
      ['says so', 'not-sh', secret],
    ])('that allows other commands and not sh: it %s', async (_, mode, sudoPassword) => {
      expect(await run(mode, script, { sudoPassword })).toMatchObject({
        kind: 'sudo',
        message: expect.stringMatching(/^sudo lets \S+ run some commands there, but not sh,/),
      })
    })

    test('that reads on behind the password runs no part of the script', async () => {
      const ran = join(it.folder, 'ran')
      const error = await run('ahead', `touch ${ran}\n`.repeat(2000), { sudoPassword: secret })
      expect(error).toMatchObject({
        kind: 'sudo',
        message: expect.stringMatching(/^the script did not arrive: sudo read it together with the password/),
      })
      expect(existsSync(ran)).toBe(false)
    })

    test('that the inventory forbids is not called', async () => {
      expect(await run('free', script, { sudo: false, sudoPassword: secret })).toMatchObject({
        kind: 'sudo',
        message: expect.stringMatching(/is not root, and login\.sudo is false$/),
      })
      expect(readFileSync(join(it.folder, 'sudo.log'), 'utf8')).toBe('')
    })

    test('that is not installed says so', async () => {
      const bare = join(it.folder, 'bare')
      mkdirSync(bare)
      program(join(bare, 'id'), '#!/bin/sh\necho 1000\n')
      for (const name of ['sh', 'cat']) program(join(bare, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`)
      const poor = await it.sshd({ path: bare })
      for (const sudoPassword of [undefined, secret]) {
        const session = await connect(host(it, poor), { wire: it.wire({ sudoPassword }) })
        await expect(session.exec('echo ran', root)).rejects.toMatchObject({
          kind: 'sudo',
          message: expect.stringMatching(/is not root, and there is no sudo$/),
        })
        session.close()
      }
    })

    test('is not needed by root, password or not', async () => {
      const plain = await it.sshd({ path: '/usr/bin:/bin' })
      for (const sudoPassword of [undefined, secret]) {
        const session = await connect(host(it, plain), { wire: it.wire({ sudoPassword }) })
        if (process.getuid?.() !== 0) return
        const result = await session.exec('id -u; cat', root)
        expect([result.code, result.stdout.toString(), result.stderr.toString()]).toEqual([0, '0\n', ''])
        session.close()
      }
    })
  })
})
