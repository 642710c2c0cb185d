import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from './glob.ts'
import { thisAccount } from './this-account.ts'
import { wordsOf } from './words.ts'

/** One file of an ssh configuration, with what it includes. A character is a byte, so that every byte comes through. */
export interface ConfigFile {
  /** As it was named. */
  readonly path: string
  readonly lines: readonly ConfigLine[]
}

export interface ConfigLine {
  readonly text: string
  /** In small letters; empty: a comment, or nothing. */
  readonly keyword: string
  readonly words: readonly string[]
  /** Of an `Include`: the files that it names; a word that only ssh can expand stays a word. */
  readonly includes?: readonly (ConfigFile | string)[]
}

export interface TreeOptions {
  /** ssh's `-F`; absent: the user's and the system's own files. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where ssh gives up (READCONF_MAX_DEPTH). */
const deepest = 16

const system = '/etc/ssh'

/** The files that ssh reads, in its order. What cannot be read is missing: ssh itself says what is wrong with it. */
export async function readTree({ file, env }: TreeOptions): Promise<ConfigFile[]> {
  // ssh looks for its own files in the home of the password database, and lets glob(3) expand `~`, which asks $HOME.
  const home = env.HOME ?? thisAccount(env).homedir
  const own = join(thisAccount(env).homedir, '.ssh/config')
  const roots =
    file === undefined
      ? [
          { path: own, base: '~/.ssh' },
          { path: join(system, 'ssh_config'), base: system },
        ]
      : file === 'none'
        ? []
        : [{ path: file, base: '~/.ssh' }]
  const found = await Promise.all(roots.map(({ path, base }) => readConfig(path, { base, home, trail: [] })))
  return found.flatMap((one) => one ?? [])
}

interface Place {
  /** Where a relative path begins. */
  readonly base: string
  readonly home: string
  /** The files that lead here. */
  readonly trail: readonly string[]
}

async function readConfig(path: string, place: Place): Promise<ConfigFile | undefined> {
  if (place.trail.includes(path) || place.trail.length > deepest) return undefined
  const text = await readFile(path, 'latin1').catch(() => undefined)
  if (text === undefined) return undefined
  const inside = { ...place, trail: [...place.trail, path] }
  return { path, lines: await Promise.all(text.split('\n').map((line) => readLine(line, inside))) }
}

async function readLine(text: string, place: Place): Promise<ConfigLine> {
  const [, keyword = '', rest = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(text) ?? []
  const words = wordsOf(rest) ?? []
  const comment = words.findIndex((word) => word.startsWith('#'))
  const line = { text, keyword: keyword.toLowerCase(), words: comment < 0 ? words : words.slice(0, comment) }
  if (line.keyword !== 'include') return line
  const includes = await Promise.all(line.words.map((word) => included(word, place)))
  return { ...line, includes: includes.flat() }
}

async function included(word: string, place: Place): Promise<readonly (ConfigFile | string)[]> {
  const path = /^[~/]/.test(word) ? word : `${place.base}/${word}`
  // Tokens and variables (OpenSSH 10), and the homes of others.
  if (/[%$]|^~[^/]/.test(path)) return [path]
  const pattern = Buffer.from(path, 'latin1').toString()
  const files = await glob(pattern.replace(/^~/, place.home))
  const read = await Promise.all(files.map((file) => readConfig(file, place)))
  return read.flatMap((file) => file ?? [])
}
