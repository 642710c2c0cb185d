// npm run bench -- faults [--write] [--only WORD…]: seconds until a tunnel answers again after each fault, kept in our
// ways and in others'. Needs root on Linux, as the lab does, half an hour, and a quiet machine. With --only, ways whose name
// has none of the words in it keep their last figures; --write puts the table into bench/faults.md and docs/reliability.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { root, say, table as tableOf } from './kit.js'
import { load } from './typescript.js'

const at = (path) => join(root, path)
const kept = at('bench/last/faults.json')
const suites = ['trixie', 'bookworm']
const only = process.argv.includes('--only') ? process.argv.slice(process.argv.indexOf('--only') + 1) : []

const { bench, lines, ways, withinS } = await load('test/e2e/faults/bench.ts')
const all = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}

const failed = (why) => say(`not measured: ${why}`)

for (const [name, way] of Object.entries(ways)) {
  if (only.length > 0 && !only.some((word) => name.includes(word))) continue
  say(name)
  all[name] = {}
  for (const { fault, suite, seconds } of await bench(way, suites, failed))
    all[name][`${fault} on ${suite}`] = seconds ?? null
  mkdirSync(at('bench/last'), { recursive: true })
  writeFileSync(kept, `${JSON.stringify(all, undefined, 1)}\n`)
}

/** Seconds as measured; nothing where nobody measured. */
function cell(name, suite, fault) {
  const seconds = all[name]?.[`${fault} on ${suite}`]
  if (seconds === undefined) return '–'
  return seconds === null ? '**never**' : seconds.toFixed(1)
}

const names = Object.keys(ways)
const table = [
  tableOf(
    ['fault', ...names],
    lines.map((fault) => [fault, ...names.map((name) => suites.map((suite) => cell(name, suite, fault)).join(' / '))]),
  ),
  '',
  `Debian 13 (OpenSSH 10.0, systemd 257) / Debian 12 (9.2, 252), one run a cell, nobody using the tunnel just before; never: not within ${withinS} s; –: its unit calls itself active while a stranger holds the port. ${cpus().length} cores for all machines.`,
  '',
].join('\n')
process.stdout.write(table)

if (process.argv.includes('--write')) {
  const head =
    '# Faults\n\nSeconds until the right device answers again. Made by `npm run bench -- faults --write`.\n\n'
  writeFileSync(at('bench/faults.md'), head + table)
  const page = at('docs/reliability.md')
  const marked = /(<!-- measured: begin -->\n)[\s\S]*(<!-- measured: end -->)/
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(marked, (_, begin, end) => `${begin}\n${table}\n${end}`),
  )
}
