import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { metrics } from '../src/report/ci/metrics.ts'
import { isShown } from './e2e/docs/page.ts'
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
