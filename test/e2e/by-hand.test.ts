import { once } from 'node:events'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import type { ExecReport } from '../../src/report/exec.ts'
import { type Ran, type Rehearsal, rehearse } from './kit.ts'

// What people do by hand, from where neither device can be reached but through its tunnel.
const [gateway, a, b, away] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal', 'away'] as const
const secret = `p'a"s $x`
const inventory = (more: object, others: object = {}) => ({
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [a]: { forwards: ['9022:localhost:22'], ...more },
    [b]: { login: { transport: 'openssh' }, forwards: ['9023:localhost:22'], ...more },
    ...others,
  },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory({}), { sudoPassword: secret })
  const env = { PROVISION_SUDO_PASSWORD: secret }
  const { code, stderr } = await it.provision([it.file, '--quiet'], { env })
  expect(code, stderr).toBe(0)
  // Nobody is at that address.
  await it.rewrite(inventory({ via: ['forward'] }, { [away]: { address: '10.77.99.99', via: ['direct'] } }))
})
afterAll(() => it?.down())

const own = () => ['--inventory', it.file, '--timeout', '3']
/** In a shell of the admin, somewhere in the guest network. */
const shell = (script: string, input = '') =>
  it.lab.run(['sh', '-c', `cd ${it.folder} && provision() { "$NODE" "$BIN" "$@"; }; ${script}`], {
    from: 'guest',
    input,
    env: { NODE: process.execPath, BIN: join(import.meta.dirname, '../../bin/provision.js'), CI: 'true' },
  })
const run = (...words: string[]): Promise<Ran> => it.provision(words, { from: 'guest' })
const on = async (name: string, script: string) => (await it.lab.machine(name).sh(script)).stdout

describe.concurrent('ssh', () => {
  test.each([a, b])(
    '%s: words arrive as they are, one word is a line, and the code is that of the command',
    async (name) => {
      const words = await run('ssh', name, ...own(), '--', 'printf', '<%s>', 'a  b', '$HOME', "it's", '007')
      expect(words).toEqual({ code: 0, stdout: "<a  b><$HOME><it's><007>", stderr: '' })
      const line = await run('ssh', name, ...own(), '--', 'hostname; echo wrong >&2; exit 7')
      expect(line).toEqual({ code: 7, stdout: `${name}\n`, stderr: 'wrong\n' })
    },
  )

  test('bytes go in and come out as they are, by the inventory of this folder', async () => {
    const bytes = 'head -c 1000000 /dev/urandom >bytes; sha256sum <bytes'
    for (const name of [a, b]) {
      const { stdout } = await shell(`${bytes}; provision ssh ${name} -- cat <bytes | sha256sum`)
      const [before, after] = stdout.trim().split('\n')
      expect(after).toBe(before)
    }
    const { code } = await shell(`tar -c bytes | provision ssh ${b} -- tar -x && provision ssh ${b} -- test -s bytes`)
    expect(code).toBe(0)
  })

  test('a reader that has enough ends it quietly', async () => {
    expect(await shell(`provision ssh ${a} -- yes | head -n 1`)).toEqual({ code: 0, stdout: 'y\n', stderr: '' })
  })

  test.each([a, b])('%s: in a terminal there is a shell, and its exit code is ours', async (name) => {
    const words = ['"$NODE"', '"$BIN"', 'ssh', name].join(' ')
    const { code, stdout } = await shell(
      `script -qec '${words}' /dev/null`,
      'tty; stty size; echo $((40 + 2)) at $(hostname)\nexit 5\n',
    )
    expect(code, stdout).toBe(5)
    expect(stdout).toMatch(/\/dev\/pts\/\d/)
    expect(stdout).toContain(`42 at ${name}`)
  })

  test('without a terminal the shell there reads what comes in', async () => {
    const { code, stdout } = await shell(`provision ssh ${b}`, 'hostname\nexit 4\n')
    expect({ code, stdout }).toEqual({ code: 4, stdout: `${b}\n` })
  })
})

describe.concurrent('exec', () => {
  test('on all devices, the name before each line; who is away is told, and stops nobody', async () => {
    const { code, stdout, stderr } = await run('exec', ...own(), '--', 'hostname; echo two; printf three')
    expect(code).toBe(3)
    const of = (name: string) => stdout.split('\n').filter((line) => line.startsWith(name))
    expect(of(a)).toEqual([`${a} | ${a}`, `${a} | two`, `${a} | three`])
    expect(of(b)).toEqual([`${b} | ${b}`, `${b} | two`, `${b} | three`])
    expect(stderr).toContain(`provision: error: ${away}: `)
    expect(stderr).toContain('2 of 3 hosts: exit code 0\n')
  })

  test('as one document, and all of a host together', async () => {
    const line = 'echo out; echo err >&2; [ "$(hostname)" = host-a.lan.internal ]'
    const limit = ['--limit', 'host-*']
    const { code, stdout } = await run('exec', ...own(), ...limit, '--json', '--', line)
    const { hosts, exitCode } = JSON.parse(stdout) as ExecReport
    expect({ code, exitCode, hosts }).toEqual({
      ...{ code: 1, exitCode: 1 },
      hosts: [
        { name: a, via: 'forward', code: 0, stdout: 'out\n', stderr: 'err\n' },
        { name: b, via: 'forward', code: 1, stdout: 'out\n', stderr: 'err\n' },
      ],
    })
    const grouped = await run('exec', ...own(), ...limit, '--group', '--forks', '1', '--', line)
    expect(grouped.stdout).toBe(`${a}\n${a} | out\n${b}, exit code 1\n${b} | out\n`)
    expect(grouped.stderr).toContain(`${b}: exit code 1\n1 of 2 hosts: exit code 0\n`)
  })

  test('as root: with the password of sudo, which no process shows, and not without it', async () => {
    const line = 'id -u; grep -rl --text "[p].a.s .x" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; :'
    const limit = ['--limit', a, '--limit', gateway]
    const env = { PROVISION_SUDO_PASSWORD: secret }
    const { code, stdout } = await it.provision(['exec', ...own(), ...limit, '--sudo', '--', line], {
      from: 'guest',
      env,
    })
    expect({ code, lines: stdout.trim().split('\n').sort() }).toEqual({
      code: 0,
      lines: [`${a}   | 0`, `${gateway} | 0`],
    })
    expect(await run('exec', ...own(), '--limit', a, '--sudo', '--', 'id')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sudo requires the password of user001'),
    })
  })

  test('Ctrl-C ends the commands there, those of root too', async () => {
    const words = ['exec', ...own(), '--limit', 'host-*', '--sudo', '--', 'echo begun; sleep 345 & sleep 345']
    const env = { PROVISION_SUDO_PASSWORD: secret }
    const child = it.spawn(words, { from: 'guest', env, stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await until(async () => said.split('begun').length > 2 || undefined, { timeoutMs: 20_000, everyMs: 50 })
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    for (const name of [a, b]) expect(await on(name, 'pgrep -fa "sleep 34[5]"'), name).toBe('')
  })
})

describe('cp', () => {
  test('to all devices and back: bytes and mode stay, and a link stays one', async () => {
    const bytes = Buffer.from([...Array(70_000).keys()].map((at) => at % 256))
    await writeFile(join(it.folder, 'a file'), bytes)
    await chmod(join(it.folder, 'a file'), 0o750)
    for (const name of [a, b]) await on(name, 'su user001 -c "mkdir -p ~/in; touch ~/real; ln -sf real ~/link"')
    const sent = await shell(`provision cp 'a file' 'host-*:in' ${a}:link`)
    expect(sent).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: [`${a}: /home/user001/in/a file`, `${b}: /home/user001/in/a file`, `${a}: /home/user001/real`]
        .map((line) => `${line}  70000 bytes\n`)
        .join(''),
    })
    const look = 'cd /home/user001 && stat -c "%a %U" "in/a file" && readlink link && ls -A in'
    expect(await on(a, look)).toBe('750 user001\nreal\na file\n')
    for (const name of [a, b]) {
      const { code, stderr } = await shell(`provision cp '${name}:~/in/a file' back`)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect((await readFile(join(it.folder, 'back'))).equals(bytes)).toBe(true)
      expect((await stat(join(it.folder, 'back'))).mode & 0o777).toBe(0o750)
    }
  })

  test('what cannot be is refused by name, nothing of it stays, and the others get theirs', async () => {
    await on(a, 'mkdir -p /home/user001/taken/back')
    const { code, stdout, stderr } = await shell(
      `provision cp back ${a}:taken ${a}:/etc/x ${a}:none/ ${b}:kept ${away}:x --timeout 2`,
    )
    expect({ code, stdout }).toEqual({ code: 3, stdout: `${b}: /home/user001/kept  70000 bytes\n` })
    expect(stderr).toContain(`provision: error: ${a}: ./taken/back: is a folder\n`)
    expect(stderr).toMatch(new RegExp(`${a}: /etc/x: the account may not do that: .*denied`))
    expect(stderr).toContain(`${a}: ./none/: is not there\n`)
    expect(stderr).toContain(`provision: error: ${away}: `)
    expect(await on(a, 'find / -xdev -name ".provision-*"')).toBe('')
  })
})

describe.concurrent('open', () => {
  const page = (text: string) =>
    `systemd-run --quiet --unit page perl -MIO::Socket::INET -e '
      $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0:8080", Listen => 9, ReuseAddr => 1) or die;
      while ($c = $s->accept) {
        while (<$c>) { last if /^\\r?\\n$/ }
        print $c "HTTP/1.0 200 OK\\r\\nConnection: close\\r\\n\\r\\n${text}";
        close $c;
      }'`
  beforeAll(async () => {
    await on(b, page('the page of b'))
    await it.lab.machine(b).sh('for n in 1 2 3 4 5 6 7 8 9; do ss -Hltn | grep -q :8080 && break; sleep 0.2; done')
  })

  async function opened(what: string) {
    const child = it.spawn(['open', what, ...own(), '--no-browser'], {
      from: 'guest',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const [chunk] = await once(child.stdout ?? expect.fail('no output'), 'data')
    const address = String(chunk).trim()
    const fetching = `fetch("${address}").then((answer) => answer.text()).then((text) => process.stdout.write(text))`
    const { stdout } = await it.lab.run([process.execPath, '-e', fetching], { from: 'guest' })
    child.kill('SIGINT')
    return { address, text: stdout, ended: await ended }
  }

  test.each([
    ['of a device', `${b}:8080`],
    ['of a machine beside a device', `${a}:${b}:8080`],
  ])('the web page %s, on a port of this machine, until Ctrl-C', async (_, what) => {
    expect(await opened(what)).toEqual({
      address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
      text: 'the page of b',
      ended: [130, null],
    })
  })

  test('where nothing answers it says so, and opens nothing', async () => {
    const { code, stdout, stderr } = await run('open', `${a}:8081`, ...own())
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`provision: error: ${a}: localhost port 8081: `)
    expect(stderr).toContain(`provision ssh ${a} -- ss -ltn`)
  })
})
