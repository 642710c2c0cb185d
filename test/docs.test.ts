import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { metrics } from '../src/report/ci/metrics.ts'
import { eventText } from '../src/watch/alerts/message.ts'
import { messageOf } from '../src/watch/alerts/outbox.ts'
import { historyOf } from '../src/watch/history.ts'
import { printHistory } from '../src/watch/history-text.ts'
import { memory } from '../src/watch/record/memory.ts'
import { isShown, linesOf, shownBelow } from './e2e/docs/page.ts'
import { parse as parseInventory } from './inventory/parse.ts'
import { at, night } from './report/night.ts'
import { parseMetrics } from './report/prometheus.ts'

const read = (file: string) => readFileSync(join(import.meta.dirname, '../docs', file), 'utf8')
const page = read('ci.md')

test.each(['github.yml', 'gitlab-ci.yml', 'alerts.yml'])('docs/ci.md shows the very file %s', (name) => {
  expect(page).toContain(`\`\`\`yaml\n${read(`ci/${name}`)}\`\`\`\n`)
})

test('the metrics that docs/ci.md and its alerts speak of are those that are written', () => {
  const written = new Set(parseMetrics(metrics(night, at)).map(({ name }) => name))
  const spoken = new Set(page.match(/\bprovision_[a-z_]+/g))
  expect([...spoken].filter((name) => !written.has(name))).toEqual([])
  expect([...written].filter((name) => !page.includes(name.replace('provision_run', '')))).toEqual([])
})

test('each alert has an expression over them, and says what it is', () => {
  const { groups } = parse(read('ci/alerts.yml'))
  for (const { alert, expr, annotations } of groups[0].rules) {
    expect(expr, alert).toMatch(/provision_[a-z_]+/)
    expect(annotations.summary, alert).toMatch(/\{\{ \$(labels|value)/)
  }
})

test('no pipeline fetches a host key, or gives a secret to a program as an argument', () => {
  const shell = [read('ci/github.yml'), read('ci/gitlab-ci.yml'), read('../action.yml')].join('\n')
  expect(shell).not.toMatch(/keyscan|StrictHostKeyChecking|--trust-first/)
  // The shell's own printf has no arguments that others could list.
  const uses = shell.split('\n').filter((line) => /\$\{?\w*(SSH_KEY|PASSWORD)\b/.test(line))
  expect(
    uses.filter((line) => !/^ +(printf '%s\\n' "\$SSH_KEY" \| ssh-add |- ssh-add -q -t 1800 - <)/.test(line)),
  ).toEqual([])
  expect(uses.length).toBe(5)
})

test('the map of the files is the tree', () => {
  const src = join(import.meta.dirname, '../src')
  const files = readdirSync(src, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const folders = new Set(files.map(({ parentPath }) => join('src', relative(src, parentPath), '/')))
  const rows = [...read('how-it-works.md').matchAll(/^\| `(src\/\S*)` \|/gm)].map(([, room = '']) => room)
  expect([...folders].filter((folder) => !rows.includes(folder))).toEqual([])
  expect(rows.filter((room) => !existsSync(join(src, '..', room)))).toEqual([])
  expect(rows.length).toBe(new Set(rows).size)
})

test('what a page shows is what was printed, but for times and keys, and for what it leaves out', () => {
  const printed = ['gw  ok  1.0 s', 'key SHA256:abc', 'verified: 1 ok, 2.5 s']
  expect(isShown(['gw  ok  3.0 s', 'key SHA256:xyz…', 'verified: 1 ok, 4.0 s'], printed)).toBe(true)
  expect(isShown(['gw  ok …', '…', 'verified: 1 ok, 4.0 s'], printed)).toBe(true)
  expect(isShown(['…'], [])).toBe(true)
  for (const wrong of [
    [],
    ['gw  ok  1.0 s', '…', 'verified: 2 ok, 2.5 s'],
    ['…', 'key SHA256:xyz…'],
    [...printed, 'more'],
  ])
    expect(isShown(wrong, printed)).toBe(false)
})

test('the alerts and the message that docs/watch.md shows are as they are written', () => {
  const [settings = '', message = ''] = [...read('watch.md').matchAll(/```json\n([\s\S]*?)```/g)].map(
    ([, text]) => text,
  )
  const inventory = `{ "gateways": { "gw": {} }, "devices": { "pi": {} }, "groups": { "shops": { "devices": ["pi"] } }, ${settings} }`
  expect(parseInventory(inventory).alerts?.map(({ kind }) => kind)).toEqual(['ntfy', 'webhook', 'chat', 'mail', 'exec'])
  const shown = JSON.parse(message)
  const written = messageOf(shown.events, Date.parse(shown.at), { inventory: 'inventory.json', watcher: 'host-w' })
  expect(Object.keys(shown)).toEqual(Object.keys(written))
  expect(eventText(shown.events[0])).toMatch(new RegExp(`^${shown.text.replace('…', '')}`))
})

test('the history that docs/watch.md shows is what is printed of such a week', async () => {
  vi.stubEnv('TZ', 'UTC')
  onTestFinished(() => void vi.unstubAllEnvs())
  const week = memory()
  const cause = 'unit: reverse-tunnel-ssh-gw.guest.internal.service is stopped for 12 s (since 2026-11-30T12:14:44Z)'
  const [name, gateway] = ['host-a.lan.internal', 'ssh-gw.guest.internal']
  const outage = { role: 'device', condition: 'down', state: 'no-tunnel' } as const
  week.take({ kind: 'watched', from: '2026-11-23T13:00:00.000Z', until: '2026-11-30T12:20:00.000Z' })
  week.take({ kind: 'began', id: 'x', name, ...outage, begin: '2026-11-30T12:14:44.000Z' })
  week.take({ kind: 'cause', id: 'x', cause })
  week.take({ kind: 'ended', id: 'x', end: '2026-11-30T12:15:10.000Z' })
  const hosts = [{ name: gateway, role: 'gateway' } as const, { name, role: 'device' } as const]
  const until = Date.parse('2026-11-30T12:20:00Z')
  const history = historyOf([week], { inventory: 'inventory.json', hosts, since: until - 7 * 86_400_000, until })
  expect(linesOf(printHistory(history))).toEqual(
    await shownBelow('watch.md', 'provision history inventory.json --since 7d'),
  )
})

test('the pages of a live page that docs/watch.md names are served', () => {
  const named = [...read('watch.md').matchAll(/^\| `(\/\S*)` \|/gm)].map(([, path]) => path)
  const server = readFileSync(join(import.meta.dirname, '../src/watch/page/server.ts'), 'utf8')
  expect(named.length).toBe(4)
  expect(named.filter((path) => !server.includes(`path === '${path}'`))).toEqual([])
})
