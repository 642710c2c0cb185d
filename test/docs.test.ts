import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { metrics } from '../src/report/ci/metrics.ts'
import { eventText } from '../src/watch/alerts/message.ts'
import { messageOf } from '../src/watch/alerts/outbox.ts'
import { isShown } from './e2e/docs/page.ts'
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

test('the pages of a live page that docs/watch.md names are served', () => {
  const named = [...read('watch.md').matchAll(/^\| `(\/\S*)` \|/gm)].map(([, path]) => path)
  const server = readFileSync(join(import.meta.dirname, '../src/watch/page/server.ts'), 'utf8')
  expect(named.length).toBe(4)
  expect(named.filter((path) => !server.includes(`path === '${path}'`))).toEqual([])
})
