// Lines of src/ and playbooks/ that the tests ran: in vitest itself, or in the commands that end-to-end tests started,
// whose bundles are mapped back to the sources. Prints a table; exits 1 below the floor.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mergeProcessCovs } from '@bcoe/v8-coverage'
import { parse } from 'acorn'
import { convert } from 'ast-v8-to-istanbul'

const floor = 90
const children = 'coverage/children'
const dist = new URL('../dist/', import.meta.url).href

const json = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** Adds a coverage map, as istanbul has it, to: source file → line → did it run. */
function addLines(map, into) {
  for (const [file, { statementMap, s }] of Object.entries(map)) {
    const lines = into.get(file) ?? new Map()
    into.set(file, lines)
    for (const [id, { start }] of Object.entries(statementMap)) {
      lines.set(start.line, (lines.get(start.line) ?? false) || s[id] > 0)
    }
  }
}

const ours = ({ result }) => ({ result: result.filter(({ url }) => url.startsWith(dist)) })

async function ranInCommands() {
  const names = existsSync(children) ? readdirSync(children) : []
  let merged = { result: [] }
  while (names.length > 0) {
    // As many as memory holds: each merge goes through all functions once.
    const some = names.splice(0, 50).map((name) => ours(json(`${children}/${name}`)))
    merged = mergeProcessCovs([merged, ...some])
  }
  const lines = new Map()
  for (const coverage of merged.result) {
    const file = fileURLToPath(coverage.url)
    if (!existsSync(`${file}.map`)) continue
    const code = readFileSync(file, 'utf8')
    const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'module' })
    addLines(await convert({ code, ast, coverage, sourceMap: json(`${file}.map`) }), lines)
  }
  return lines
}

const own = new Map()
addLines(json('coverage/vitest/coverage-final.json'), own)
const theirs = await ranInCommands()

let all = 0
let ran = 0
for (const [file, lines] of [...own].sort()) {
  const missed = [...lines].filter(([line, hit]) => !hit && !theirs.get(file)?.get(line)).map(([line]) => line)
  all += lines.size
  ran += lines.size - missed.length
  if (missed.length === 0) continue
  const share = (((lines.size - missed.length) / lines.size) * 100).toFixed(0).padStart(4)
  console.log(`${share} %  ${relative('.', file)}  not run: ${missed.join(' ')}`.slice(0, 150))
}
const share = (ran / all) * 100
console.log(`coverage: ${share.toFixed(1)} % of ${all} lines of src/ and playbooks/ (floor ${floor} %)`)
if (share < floor) process.exitCode = 1
