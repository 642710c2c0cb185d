// npm run bench -- fleet [--write] [--only 1,20,100,thousand] [--delays 0,50] [--ansible 1,20] [--forks N]: how long provision takes on
// lab machines, beside what else could do the same: docs/benchmarks.md. Half an hour for all of it; each size and the thousand
// by themselves at most ten minutes, and those that are left out keep what was measured of them before.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { withDelay } from './delay.js'
import { devicesOf, gateway, inventoryOf } from './fleet/contenders.js'
import { givePython, python, timed } from './fleet/lab.js'
import { page, plot } from './fleet/page.js'
import { thousand } from './fleet/thousand.js'
import { keepMeasured, measured, today } from './kept.js'
import { during, root, say, withLab } from './kit.js'
import { sectionOf, withSection } from './pair/page.js'

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', default: '1,20,100,thousand' },
    delays: { type: 'string', default: '0,50' },
    ansible: { type: 'string', default: '1,20' },
    forks: { type: 'string' },
  },
})
const numbers = (text) => text.split(',').map(Number)
const delays = numbers(values.delays)
/** The more machines share the cores, the less their times vary, and the more each costs: a hundred are left to the quick ones. */
const roundsOf = (count) =>
  count > 5 ? { ours: count > 50 ? 2 : 3, ansible: 1, firsts: 1 } : { ours: 7, ansible: 3, firsts: 3 }
const slowOnes = (count) => count <= 50

/** `keep`: what has been measured so far is not lost when a later part fails. */
async function measure(count, tar, keep) {
  const at = today()
  const cells = (slowOnes(count) ? delays : delays.slice(0, 1)).map((ms) => ({ count, ms, at, samples: {} }))
  const rounds = roundsOf(count)
  const add = (cell, more) => {
    for (const [name, some] of Object.entries(more))
      cell.samples[name] = Array.isArray(some) ? [...(cell.samples[name] ?? []), ...some.map(Math.round)] : some
  }
  const inLab = (work) => withLab(inventoryOf(count), work)
  for (const cell of cells)
    for (let n = 0; n < rounds.firsts; n++)
      await inLab(async ({ file, folder }) => {
        say(`1 + ${count}, ${cell.ms} ms: first run`)
        add(cell, await withDelay(file, cell.ms, () => timed(file, folder, 'first', count, 1)))
        if (n + 1 < rounds.firsts) return
        say(`1 + ${count}, ${cell.ms} ms: what comes after`)
        add(cell, await withDelay(file, cell.ms, () => timed(file, folder, 'rest', count, rounds.ours)))
      })
  keep(cells)
  if (!tar || !numbers(values.ansible).includes(count)) return
  for (const cell of count > 5 ? cells.slice(0, 1) : cells)
    await inLab(async ({ file, folder, inside }) => {
      say(`1 + ${count}, ${cell.ms} ms: Ansible`)
      // Its proofs are as many logins at the gateway at once, and a stock sshd hangs up on some.
      inside(gateway, `echo 'MaxStartups 200' >/etc/ssh/sshd_config.d/00-bench.conf; systemctl reload ssh`)
      givePython(tar, file, [gateway, ...devicesOf(count).map(({ name }) => name)])
      add(cell, await withDelay(file, cell.ms, () => timed(file, folder, 'Ansible', count, rounds.ansible)))
      keep(cells)
    })
}

/** Each size, and the thousand, is one table, and was measured in one go. */
const all = { cells: [], ...measured('fleet') }
function keep(more) {
  Object.assign(all, more)
  if (!values.write) return
  keepMeasured('fleet', all)
  writeFileSync(join(root, 'docs/benchmarks.md'), text())
  writeFileSync(join(root, 'docs/benchmarks.svg'), plot(all.cells))
}
const text = () =>
  withSection(page(all.cells, all.thousand), sectionOf(readFileSync(join(root, 'docs/benchmarks.md'), 'utf8')))

const top = mkdtempSync(join(tmpdir(), 'provision-bench-'))
await during(
  async () => {
    const parts = values.only.split(',')
    const sizes = parts.filter((part) => part !== 'thousand').map(Number)
    const tar = sizes.some((count) => numbers(values.ansible).includes(count)) ? python(top) : undefined
    if (!tar && sizes.length > 0) say('Ansible is left out, or not installed (apt-get install ansible-core)')
    for (const count of sizes) {
      const others = all.cells.filter((cell) => cell.count !== count)
      await measure(count, tar, (cells) =>
        keep({ cells: [...others, ...cells].sort((a, b) => a.count - b.count || a.ms - b.ms) }),
      )
    }
    if (parts.includes('thousand')) keep({ thousand: { at: today(), ...(await thousand(values.forks)) } })
    process.stdout.write(text())
  },
  () => rmSync(top, { recursive: true, force: true }),
)
