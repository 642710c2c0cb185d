// npm run test:fast: the unit tests that start no process, with the words of the command line for vitest. No root, no Debian
// packages, nothing booted.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tests = readdirSync(`${root}test`, { recursive: true })
  .map((name) => `test/${name}`)
  .filter((name) => name.endsWith('.test.ts') && !name.startsWith('test/e2e/'))

/** What starts processes, here or in the sources that do nothing else. */
const starters = /^(node:child_process|zx(\/.*)?|src\/lab\/(?!plan)\S+|src\/ssh\/user-config\/query\.ts)$/
const startsProcess = new Map()

/** Does this file start processes, or one of the helpers under test/ that it imports? */
function starts(file) {
  const known = startsProcess.get(file)
  if (known !== undefined) return known
  startsProcess.set(file, false)
  const code = existsSync(`${root}${file}`) ? readFileSync(`${root}${file}`, 'utf8') : ''
  const imported = [...code.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)].map(([, named, late]) => {
    const to = named ?? late
    return to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to
  })
  const found = imported.some((to) => starters.test(to) || (to.startsWith('test/') && starts(to)))
  startsProcess.set(file, found)
  return found
}

const fast = tests.filter((file) => !starts(file))
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'unit', ...fast, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
