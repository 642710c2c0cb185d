import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Terminal } from '@xterm/headless'
import { describe, expect, onTestFinished, test } from 'vitest'
import { liveProgress } from '../../../src/report/terminal/live.ts'
import { build, root } from '../../dist.ts'

/** What somebody sees: a real terminal emulator reads what is written. */
function screen(columns = 80, rows = 24) {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true, scrollback: 1000 })
  let settled: Promise<void> = Promise.resolve()
  const written: string[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      settled = new Promise((resolve) => terminal.write(String(chunk), resolve))
      done()
    },
  })
  const lines = async () => {
    await settled
    const { buffer } = terminal
    const all = Array.from({ length: buffer.active.length }, (_, at) =>
      buffer.active.getLine(at)?.translateToString(true),
    )
    return all.join('\n').trimEnd()
  }
  let clock = 0
  const options = { now: () => clock, everyMs: 0 }
  return {
    ...{ out: Object.assign(out, { columns, rows }), lines, text: () => written.join(''), options },
    later: (ms: number) => {
      clock += ms
    },
  }
}

describe('as long as there is room', () => {
  test('each host has one line, which moves through its phases', async () => {
    const { out, lines, options } = screen()
    const progress = liveProgress(out, options)
    progress.expect('look', ['ssh-gw', 'host-a'])
    progress.phase('ssh-gw', 'connect')
    progress.phase('host-a', 'connect')
    progress.phase('ssh-gw', 'look')
    progress.end('host-a', 'unreachable')
    expect(await lines()).toBe('ssh-gw  look …\nhost-a  unreachable')
  })

  test('a note stays above the hosts, which are gone when the summary is printed', async () => {
    const { out, lines, options } = screen()
    const progress = liveProgress(out, options)
    for (const host of ['a', 'b', 'c']) progress.phase(host, 'look')
    progress.note('plan: nothing to change')
    progress.phase('a', 'verify')
    expect(await lines()).toBe('plan: nothing to change\na  verify …\nb  look …\nc  look …')
    progress.end('a', 'ok')
    progress.close()
    out.write('summary\n')
    expect(await lines()).toBe('plan: nothing to change\nsummary')
  })

  test('while a question is open nothing else is written, and afterwards all that was to be', async () => {
    const { out, lines, options } = screen()
    const progress = liveProgress(out, options)
    progress.phase('a', 'look')
    const answer = await progress.during(async () => {
      out.write('question?')
      progress.phase('a', 'verify')
      progress.note('a: its pin was replaced')
      out.write(' yes\n')
      return true
    })
    expect(answer).toBe(true)
    expect(await lines()).toBe('question? yes\na: its pin was replaced\na  verify …')
  })

  test('a question that fails leaves the display as it was', async () => {
    const { out, lines, options } = screen()
    const progress = liveProgress(out, options)
    progress.phase('a', 'look')
    await expect(progress.during(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
    expect(await lines()).toBe('a  look …')
  })

  test('closed, it forgets its hosts: what is noted then stands alone', async () => {
    const { out, lines, options } = screen()
    const progress = liveProgress(out, options)
    progress.phase('a', 'look')
    progress.close()
    progress.note('3 connections')
    expect(await lines()).toBe('3 connections')
  })

  test('no line is ever broken in two, however narrow the terminal is', async () => {
    const { out, lines, options } = screen(20)
    liveProgress(out, options).phase('host-a.lan.internal', 'apply file /etc/motd')
    expect(await lines()).toBe('host-a.lan.internal')
  })

  test('nothing is drawn again that has not changed, and at most so often', async () => {
    const { out, text, options } = screen()
    const progress = liveProgress(out, { ...options, everyMs: 100 })
    progress.phase('a', 'look')
    const before = text()
    progress.phase('a', 'look')
    progress.phase('b', 'look')
    expect(text()).toBe(before)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(text()).not.toBe(before)
    progress.close()
  })
})

describe('of a crowd', () => {
  const names = Array.from({ length: 300 }, (_, at) => `host-${at + 1}`)
  const crowd = (rows?: number) => {
    const it = screen(80, rows)
    const progress = liveProgress(it.out, it.options)
    progress.expect('look', names)
    for (const host of names.slice(0, 150)) progress.phase(host, 'connect')
    it.later(3000)
    for (const host of names.slice(20, 100)) progress.phase(host, 'look')
    it.later(2000)
    return { ...it, progress }
  }

  test('how much is done, how many are where, how long it will take, and the ten slowest', async () => {
    const { progress, lines } = crowd()
    for (const host of names.slice(50, 100)) progress.over('look', host)
    expect(await lines()).toMatchInlineSnapshot(`
      "look       █████░░░░░░░░░░░░░░░░░░░░░░░░░ 50 of 300, about 25 s left
      70 connect, 30 look, 150 waits
        host-1     5 s  connect
        host-2     5 s  connect
        host-3     5 s  connect
        host-4     5 s  connect
        host-5     5 s  connect
        host-6     5 s  connect
        host-7     5 s  connect
        host-8     5 s  connect
        host-9     5 s  connect
        host-10    5 s  connect"
    `)
  })

  test('every host that failed has a line that stays, and the summary is all that is left', async () => {
    const { progress, out, lines } = crowd()
    for (const host of ['host-3', 'host-77']) {
      progress.end(host, 'unreachable')
      progress.over('look', host)
    }
    progress.end('host-78', 'ok')
    for (const host of names) progress.phase(host, 'verify')
    progress.close()
    out.write('summary\n')
    expect(await lines()).toBe('host-3: unreachable\nhost-77: unreachable\nsummary')
  })

  test('it never takes more lines than the terminal has', async () => {
    const { progress, lines } = crowd(6)
    progress.phase('host-300', 'connect')
    expect((await lines()).split('\n')).toHaveLength(4)
  })

  test('work that is over has no bar any more', async () => {
    const { progress, lines } = crowd()
    for (const host of names) progress.over('look', host)
    progress.expect('verify', names.slice(0, 2))
    progress.phase('host-1', 'verify')
    expect(await lines()).toMatch(/^verify +░+ 0 of 2\n/)
  })
})

describe('in a real terminal', () => {
  test('300 hosts, of which most fail and some are silent, stay readable, and all is in the summary', async () => {
    build()
    const silent = createServer(() => undefined).listen(0, '0.0.0.0')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    const folder = await mkdtemp(join(tmpdir(), 'live-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'crowd.json')
    const device = (at: number) => ({
      address: `127.0.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`,
      port: at % 30 === 0 ? port : 1,
      forwards: [],
    })
    const devices = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`host-${at}`, device(at)]))
    await writeFile(file, JSON.stringify({ login: { user: 'user001' }, gateways: {}, devices }))
    const words = `verify ${file} --timeout 3 --forks 40`
    const { seen, last } = await inTerminal(
      `stty rows 24 cols 80; exec node ${join(root, 'bin/provision.js')} ${words}`,
    )
    const crowd = seen.filter((text) =>
      /^look +█+░* \d+ of 300, about \d+ s left\n(\d+ \w+(, )?)+; \d+ unreachable$/m.test(text),
    )
    expect(crowd.length, seen.join('\n---\n')).toBeGreaterThan(5)
    // In some moments all that have their turn are through.
    const rows = crowd.map((text) => text.match(/^ {2}host-\d+ +\d+ s {2}connect$/gm)?.length ?? 0)
    expect(Math.max(...rows), seen.join('\n---\n')).toBeLessThanOrEqual(10)
    expect(Math.max(...rows), seen.join('\n---\n')).toBeGreaterThan(0)
    expect(last).toContain('host-299: unreachable')
    expect(last).not.toContain('█')
    expect(last).toMatch(/verified: 300 unreachable/)
  }, 60_000)
})

/** What stood on the screen whenever something was written, and what in the end is there to scroll through. */
async function inTerminal(command: string): Promise<{ seen: string[]; last: string }> {
  const terminal = new Terminal({ cols: 80, rows: 24, allowProposedApi: true, scrollback: 100_000 })
  const text = (from: number) => {
    const { active } = terminal.buffer
    const lines = Array.from({ length: active.length - from }, (_, at) =>
      active.getLine(from + at)?.translateToString(true),
    )
    return lines.join('\n')
  }
  const seen: string[] = []
  const { CI: _, ...env } = process.env
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    env: { ...env, TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const chunk of child.stdout) {
    await new Promise<void>((resolve) => terminal.write(chunk, resolve))
    seen.push(text(terminal.buffer.active.baseY))
  }
  return { seen, last: text(0) }
}
