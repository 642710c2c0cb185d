import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InventoryError } from '../errors.ts'
import { glob } from '../ssh/user-config/glob.ts'
import { jumpOfCommand } from '../ssh/user-config/proxy-command.ts'
import { type AskSsh, askSsh } from '../ssh/user-config/query.ts'
import { wordsOf } from '../ssh/user-config/words.ts'
import type { Found, FoundHost } from './found.ts'
import { type Leftovers, leftovers } from './leftovers.ts'

/** Imported, or replaced by our own pins. */
const READ = new Set([
  'host',
  'hostname',
  'port',
  'user',
  'identityfile',
  'identitiesonly',
  'proxyjump',
  'proxycommand',
])
const OURS = new Set(['hostkeyalias', 'userknownhostsfile', 'stricthostkeychecking', 'checkhostip'])

/**
 * The hosts that an ssh_config names. ssh itself says what its lines mean for each: what it answers otherwise than with an
 * empty configuration was written there.
 * @throws InventoryError where ssh does not understand the file
 */
export async function foundInConfig(file: string, env: Readonly<Record<string, string | undefined>>): Promise<Found> {
  const left = leftovers()
  const [written, nothing] = [askSsh({ file, env }), askSsh({ file: 'none', env })]
  const hosts: FoundHost[] = []
  for (const [name, ...aliases] of await namesIn(file, env.HOME ?? '')) {
    if (name === undefined || hosts.some((host) => host.name === name)) continue
    for (const alias of aliases) left.add(`is another name of ${name}`, alias)
    const said = await settings(name, written)
    if (said.size === 0) {
      throw new InventoryError(`ssh cannot read ${file}`, `ssh -G -F ${file} ${name} says what is wrong`)
    }
    hosts.push(hostOf(name, { said, empty: await settings(name, nothing) }, left))
  }
  return { hosts, groups: [], left: left.sentences() }
}

type Settings = ReadonlyMap<string, readonly string[]>

async function settings(name: string, ask: AskSsh) {
  const all = new Map<string, string[]>()
  for (const line of (await ask(name)).split('\n')) {
    const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    if (key !== '') all.set(key, [...(all.get(key) ?? []), value.trim()])
  }
  return all
}

function hostOf(name: string, { said, empty }: { said: Settings; empty: Settings }, left: Leftovers): FoundHost {
  const written = new Map([...said].filter(([key, values]) => values.join('\n') !== empty.get(key)?.join('\n')))
  const one = (key: string) => written.get(key)?.[0]
  const [address, port, user, identityFile] = ['hostname', 'port', 'user', 'identityfile'].map(one)
  const command = one('proxycommand')
  const jump = command === undefined || command === 'none' ? undefined : jumpOfCommand(command)
  if (command !== undefined && command !== 'none' && jump === undefined)
    left.add('a ProxyCommand other than ssh -W', name)
  for (const [key, values] of written) {
    if (key === 'remoteforward') for (const value of values) left.add(remoteForward(value), name)
    else if (!READ.has(key) && !OURS.has(key)) left.add(`the option ${key}`, name)
  }
  const jumps = one('proxyjump')
  return {
    name,
    ...(address !== undefined && address !== name && { address }),
    ...(port !== undefined && { port: Number(port) }),
    ...jump?.to,
    ...(user !== undefined && { user }),
    ...(identityFile !== undefined && { identityFile }),
    jumps: jumps !== undefined && jumps !== 'none' ? jumps.split(',') : (jump?.jumps ?? []),
  }
}

/** As `ssh -G` prints it: `9022 [localhost]:22`. It is the line of the device that dials. */
function remoteForward(value: string): string {
  const words = value.replace(' ', ':').replaceAll(/\[([^\]:]*)\]/g, '$1')
  return `RemoteForward opens a port on this host: write "${words}" as a forward of the device that has this line`
}

/** The names of each `Host` line that are no patterns, those of included files too, as ssh finds them. */
async function namesIn(file: string, home: string, depth = 0): Promise<string[][]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InventoryError(`${file} cannot be read (${error.code})`, 'name an ssh_config, such as ~/.ssh/config')
  })
  const found: string[][] = []
  for (const line of text.split(/\r?\n/)) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? []
    const words = wordsOf(rest) ?? []
    if (/^host$/i.test(keyword)) found.push(words.filter((word) => !/[*?!]/.test(word)))
    if (!/^include$/i.test(keyword) || depth > 8) continue
    for (const word of words) {
      for (const inner of await filesOf(word, home)) found.push(...(await namesIn(inner, home, depth + 1)))
    }
  }
  return found.filter((names) => names.length > 0)
}

async function filesOf(pattern: string, home: string): Promise<string[]> {
  const path = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : resolve(join(home, '.ssh'), pattern)
  return glob(path)
}
