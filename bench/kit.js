// What the benches share: labs that come and go, commands, times.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Node 20 reads such a file at every start, for 30 ms and more: a matter of the machine, not of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS

export const root = fileURLToPath(new URL('..', import.meta.url))
export const bin = join(root, 'bin/provision.js')
export const machine = `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
export const say = (text) => process.stderr.write(`bench: ${text}\n`)
export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Its standard output. @throws when it fails */
export function run(program, words, options = {}) {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 1e8, ...options })
  if (status !== 0) throw new Error(`${program} ${words.slice(0, 4).join(' ')}: ${stderr || stdout || status}`)
  return stdout
}

export const provision = (...words) => run(process.execPath, [bin, ...words])

/** Milliseconds until all of these commands have ended, all begun at once. @throws when one fails */
export async function time(...commands) {
  const began = performance.now()
  await Promise.all(
    commands.map(
      ([program, words, options = {}]) =>
        new Promise((resolve, reject) => {
          const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
          let said = ''
          const hear = (text) => {
            said = (said + text).slice(-2000)
          }
          child.stdout.on('data', hear)
          child.stderr.on('data', hear)
          child.once('error', reject)
          child.once('close', (code) =>
            code === 0 ? resolve() : reject(new Error(`${program} ${words[0]}: ${code}: ${said}`)),
          )
        }),
    ),
  )
  return performance.now() - began
}

const cleanups = new Set()
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    for (const clean of cleanups) clean()
    process.exit(130)
  })

/** Undone whatever happens, also after Ctrl-C. */
export async function during(work, clean) {
  cleanups.add(clean)
  try {
    return await work()
  } finally {
    cleanups.delete(clean)
    clean()
  }
}

/** A folder with an inventory in it, and the lab of that inventory, for as long as the work takes. */
export function withLab(inventory, work) {
  const folder = mkdtempSync(join(tmpdir(), 'provision-bench-'))
  const file = join(folder, 'inventory.json')
  writeFileSync(file, JSON.stringify(inventory))
  const inside = (name, script, options = {}) =>
    run(process.execPath, [bin, 'lab', 'exec', file, name, '--', 'bash', '-c', script], options)
  const down = () => {
    spawnSync(process.execPath, [bin, 'lab', 'down', file])
    rmSync(folder, { recursive: true, force: true })
  }
  return during(() => {
    provision('lab', 'up', file)
    return work({ folder, file, inside })
  }, down)
}
