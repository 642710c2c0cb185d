import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { until } from './ssh/session/fixture.ts'

export const root = resolve(import.meta.dirname, '..')
const lock = join(root, 'node_modules/.provision-build')

const newest = (folder: string) =>
  Math.max(
    ...readdirSync(join(root, folder), { recursive: true }).map(
      (name) => statSync(join(root, folder, String(name))).mtimeMs,
    ),
  )

function stale(): boolean {
  try {
    const built = Math.min(
      ...['cli.js', 'index.js', 'schema.json'].map((file) => statSync(join(root, 'dist', file)).mtimeMs),
    )
    return built < Math.max(newest('src'), newest('playbooks'))
  } catch {
    return true
  }
}

/** Makes dist/ of the sources where it is older than they are; several test files may ask at once. */
export async function build(): Promise<void> {
  await until(() => {
    try {
      mkdirSync(lock)
      return true
    } catch {
      // Of a test that was killed.
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > 60_000) rmSync(lock, { recursive: true, force: true })
      return false
    }
  }, `nobody else builds (${lock})`)
  try {
    if (stale()) execFileSync(process.execPath, ['scripts/build.js'], { cwd: root, stdio: 'pipe' })
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

export interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command as a user runs it, without a terminal. */
export function provision(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string; platform?: NodeJS.Platform } = {},
): Said {
  const { platform } = options
  const elsewhere = `data:text/javascript,Object.defineProperty(process,'platform',{value:'${platform}'})`
  const node = platform === undefined ? [] : ['--import', elsewhere]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, join(root, 'bin/provision.js'), ...words], {
    cwd: options.cwd ?? root,
    input: options.input ?? '',
    timeout: 30_000,
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', LC_ALL: 'C', ...options.env },
  })
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString() }
}
