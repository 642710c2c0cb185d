import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { printEntry } from '../../src/watch/record/entry.ts'
import { build, provision } from '../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-watch-'))
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const lan = 'inventory/examples/guest-lan.json'
const inventory = (name: string, value: object) => {
  const file = join(folder, name)
  writeFileSync(file, JSON.stringify({ gateways: { gw: {} }, devices: { pi: {} }, ...value }))
  return file
}

test.each([
  [['--every', '4'], '--every takes seconds, from 5 to 3600'],
  [['--every', 'often'], '--every takes seconds, from 5 to 3600'],
  [['--listen', 'here'], '--listen here: is no address and port'],
  [['--listen', '0.0.0.0:8022'], '--listen 0.0.0.0:8022: others than this machine could see the page'],
  [['--listen', '0.0.0.0:8022', '--expose'], '--expose needs --token'],
  [['--listen', '[::]:8022', '--expose', '--token', 'hunter2'], '--token must not be the token itself'],
  [['--listen', '[::]:8022', '--expose', '--token', 'env:SHORT'], '--token: what is kept there is shorter than 16'],
  [['--listen', '[::]:8022', '--expose', '--token', 'env:NONE'], '--token: the environment variable NONE is not set'],
  [['--test-alerts'], `${lan}: there is nobody to tell`],
])('watch %j contacts nobody', (words, said) => {
  const { code, stdout, stderr } = provision(['watch', lan, '--state', folder, ...words], { env: { SHORT: 'short' } })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`provision: error: ${said}`)
  expect(stderr).not.toContain('hunter2')
})

test('where no device has a forward there is nothing to watch', () => {
  const file = inventory('none.json', {})
  expect(provision(['watch', file])).toMatchObject({
    code: 2,
    stderr: `provision: error: ${file}: no device has a forward: there is nothing to watch\n`,
  })
})

test('--test-alerts tells each target, and says of each what became of it', () => {
  const file = inventory('alerts.json', { alerts: [{ exec: ['true'] }, { exec: ['false'] }, { chat: 'env:NONE' }] })
  expect(provision(['watch', file, '--test-alerts'])).toEqual({
    code: 1,
    stdout: `alerts[0] (exec): sent
alerts[1] (exec): not sent: false ended with exit code 1
alerts[2] (chat): not sent: the environment variable NONE is not set or empty
`,
    stderr: '',
  })
})

test('history reads what was written, and the record of another watcher beside it', () => {
  const file = inventory('history.json', {})
  const at = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
  const own = { name: 'pi', role: 'device', condition: 'down', state: 'stale' } as const
  const record = (name: string, id: string, begin: number, over?: number) => {
    const lines = [
      { kind: 'watched', from: at(20), until: at(0) } as const,
      { kind: 'began', id, ...own, begin: at(begin) } as const,
      ...(over === undefined ? [] : [{ kind: 'ended', id, end: at(over) } as const]),
    ]
    writeFileSync(join(folder, name), lines.map(printEntry).join(''))
  }
  record('record.jsonl', 'a', 10, 9)
  record('other.jsonl', 'b', 5, 4)
  const words = ['history', file, '--state', folder]
  const one = provision([...words, '--csv'])
  expect({ ...one, stdout: one.stdout.trim().split('\r\n').length }).toEqual({ code: 0, stdout: 2, stderr: '' })
  const both = JSON.parse(provision([...words, '--with', join(folder, 'other.jsonl'), '--json']).stdout)
  expect(both.hosts).toMatchObject([
    { name: 'gw', outages: 0 },
    { name: 'pi', outages: 2, awaySeconds: 7200 },
  ])
  expect(provision([...words, 'pi', '--since', '6h', '--with', join(folder, 'other.jsonl')]).stdout).toMatch(
    /^pi {2}83\.3\d\d % {2}1 outage, away for 1 h, longest 1 h\n {2}\S+ \S+ {2}1 h {2}stale\n/,
  )
  expect(provision([...words, '--since', 'soon'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--since takes hours, days or weeks'),
  })
  expect(provision(['history', file, '--state', join(folder, 'nowhere')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no such record'),
  })
})
