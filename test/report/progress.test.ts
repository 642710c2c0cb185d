import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { liveProgress, plainProgress, silent } from '../../src/report/progress.ts'

/** A terminal that does what the two codes say that a live progress writes: up N lines, and clear to the end. */
function terminal(columns = 80, rows = 24) {
  const written: string[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  const screen = () => {
    const lines = ['']
    let row = 0
    for (const [part, up] of written.join('').matchAll(/\x1b\[(\d+)A|\x1b\[J|\n|[^\x1b\n]+/g)) {
      if (up) row = Math.max(row - Number(up), 0)
      else if (part === '\x1b[J') lines.splice(row, lines.length, '')
      else if (part === '\n') lines[++row] ??= ''
      else lines[row] = part
    }
    return lines.join('\n')
  }
  return { out: Object.assign(out, { columns, rows }), screen, text: () => written.join('') }
}

describe('on a terminal', () => {
  test('each host has one line, which moves through its phases', () => {
    const { out, screen } = terminal()
    const progress = liveProgress(out)
    progress.phase('ssh-gw', 'connect')
    progress.phase('host-a', 'connect')
    progress.phase('ssh-gw', 'look')
    progress.end('host-a', 'unreachable')
    expect(screen()).toBe('ssh-gw  look …\nhost-a  unreachable\n')
  })

  test('a note stays above the hosts', () => {
    const { out, screen } = terminal()
    const progress = liveProgress(out)
    progress.phase('ssh-gw', 'look')
    progress.note('plan: nothing to change')
    progress.phase('ssh-gw', 'verify')
    expect(screen()).toBe('plan: nothing to change\nssh-gw  verify …\n')
  })

  test('the hosts are gone when the summary is printed, and the notes stay', () => {
    const { out, screen } = terminal()
    const progress = liveProgress(out)
    for (const host of ['a', 'b', 'c']) progress.phase(host, 'look')
    progress.note('note')
    progress.end('a', 'ok')
    progress.close()
    out.write('summary\n')
    expect(screen()).toBe('note\nsummary\n')
  })

  test('closed twice, it erases nothing that is not its own', () => {
    const { out, screen } = terminal()
    const progress = liveProgress(out)
    progress.phase('a', 'look')
    progress.close()
    out.write('question?\n')
    progress.close()
    progress.phase('a', 'apply')
    expect(screen()).toBe('question?\na  apply …\n')
  })

  test('that is narrow, no line is ever broken in two', () => {
    const { out, text } = terminal(20)
    liveProgress(out).phase('host-a.lan.internal', 'apply file /etc/motd')
    expect(text().split('\n')[0]?.length).toBeLessThan(20)
  })

  test('that is low, no more hosts are drawn than it has room for', () => {
    const { out, screen } = terminal(80, 5)
    const progress = liveProgress(out)
    for (let n = 0; n < 20; n++) progress.phase(`host-${n}`, 'look')
    progress.phase('host-0', 'apply')
    expect(screen().trim().split('\n')).toEqual(['host-0   apply …', 'host-1   look …', 'host-2   look …'])
  })

  test('nothing is drawn again that has not changed', () => {
    const { out, text } = terminal()
    const progress = liveProgress(out)
    progress.phase('a', 'look')
    const before = text()
    progress.phase('a', 'look')
    expect(text()).toBe(before)
  })
})

test('without a terminal there is a line for each end, and no control code', () => {
  const { out, text } = terminal()
  const progress = plainProgress(out)
  progress.phase('a', 'look')
  progress.note('plan: nothing to change')
  progress.end('a', 'ok')
  progress.close()
  expect(text()).toBe('plan: nothing to change\na: ok\n')
})

test('silent says nothing at all', () => {
  expect([silent.phase('a', 'b'), silent.end('a', 'b'), silent.note('a'), silent.close()]).toEqual(
    Array(4).fill(undefined),
  )
})
