import { parseForward } from '../inventory/forward.ts'
import { printJump } from '../ssh/user-config/jump.ts'
import { changesNoRoute, readSshCommand } from '../ssh/user-config/ssh-command.ts'
import { wordsOf } from '../ssh/user-config/words.ts'
import type { Dialled, Found } from './found.ts'
import { type Leftovers, leftovers } from './leftovers.ts'

/** Does a text hold a unit of systemd, or command lines that keep a tunnel. */
export function holdsTunnels(text: string): boolean {
  const lines = text.split('\n')
  if (/^\s*ExecStart\s*=/m.test(text)) return true
  if (lines.some((line) => /^\s*(Host|Match)\s|^\s*\[[^\]]+\]\s*$/i.test(line))) return false
  return logicalLines(text).some(({ line }) => sshWords(line)?.some(isRemote))
}

const isRemote = (word: string) => /^-[A-Za-z0-9]*R|^(-o\s*)?[Rr]emote[Ff]orward\b/.test(word)

/** The device that runs these commands, and the ports that it opens with `ssh -R`. */
export function foundInTunnels(text: string, { file, device }: { file: string; device: string }): Found {
  const left = leftovers()
  const dials: Dialled[] = []
  const isUnit = /^\s*ExecStart\s*=/m.test(text)
  const variables = environmentOf(text)
  for (const { line, number } of logicalLines(text)) {
    const [, setting] = /^\s*ExecStart\s*=\s*[-@:+!|]*(.*)$/s.exec(line) ?? []
    if (isUnit && setting === undefined) continue
    const words = sshWords(setting === undefined ? line : expanded(setting, variables))
    if (words !== undefined)
      dials.push(...dialledBy(words, { device, left, place: `${file === '-' ? 'stdin' : file}:${number}` }))
  }
  const hosts = dials.length === 0 ? [] : [{ name: device, jumps: [], dials }]
  return { hosts, groups: [], left: left.sentences() }
}

interface Reading {
  readonly device: string
  readonly left: Leftovers
  readonly place: string
}

/** More options that the tunnels of provision have, or do not need. */
const OWN =
  /^-(?:g$|E |F \/dev\/null$|o\s*(?:TCPKeepAlive|CheckHostIP|IdentitiesOnly|PasswordAuthentication|Stream\w+|PubkeyAuthentication|PreferredAuthentications|GatewayPorts)\b)/i

function dialledBy(words: readonly string[], { device, left, place }: Reading): Dialled[] {
  const { host, user, port, jumps, proxyCommand, identityFiles, remoteForwards, others } = readSshCommand(words)
  if (host === undefined || remoteForwards.length === 0) return []
  const tell = (what: string) => left.add(what, device, place)
  const gateway = printJump({ host, ...(port !== undefined && { port }) })
  if (user !== undefined)
    tell(
      `its tunnel logs in as ${user}: provision makes an account for it; write who administers ${host} under "login"`,
    )
  for (const key of identityFiles) tell(`the key ${key}: provision makes a key of its own on the device`)
  for (const hop of jumps) tell(`the hop ${hop} on the way to ${host}: leave that in the device's ssh_config`)
  if (proxyCommand !== undefined) tell(`its ProxyCommand ${proxyCommand}`)
  for (const other of others) if (!changesNoRoute(other) && !OWN.test(other)) tell(`the option ${other} of its ssh`)
  return remoteForwards.flatMap((text): Dialled[] => {
    const reading = parseForward(text)
    if ('words' in reading) return [{ ...reading.words, gateway }]
    tell(`-R ${text}: ${reading.problem}`)
    return []
  })
}

/** Lines that end in a backslash go on; the number is that of the first. */
function logicalLines(text: string): { readonly line: string; readonly number: number }[] {
  const all: { line: string; number: number }[] = []
  let goesOn = false
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const ends = !raw.endsWith('\\')
    const part = ends ? raw : `${raw.slice(0, -1)} `
    const last = all.at(-1)
    if (goesOn && last !== undefined) last.line += part
    else all.push({ line: part, number: at + 1 })
    goesOn = !ends
  }
  return all.filter(({ line }) => !/^\s*([#;]|$)/.test(line))
}

/** The arguments of the first ssh or autossh of a line, as of a shell, a crontab or a unit. undefined: it runs none. */
function sshWords(line: string): readonly string[] | undefined {
  const words = wordsOf(line)
  const at = words?.findIndex((word) => /^(\S*\/)?(auto)?ssh$/.test(word)) ?? -1
  if (words === undefined) return undefined
  if (at < 0) {
    const inner = words.findIndex((word, index) => words[index - 1] === '-c' && /\bssh\b/.test(word))
    return inner < 0 ? undefined : sshWords(words[inner] ?? '')
  }
  const rest = words.slice(at + 1)
  const end = rest.findIndex((word) => /^(&&?|\|\|?|;|done|\d*>.*)$/.test(word) || word.endsWith(';'))
  const own = end < 0 ? rest : rest.slice(0, rest[end] === ';' || !rest[end]?.endsWith(';') ? end : end + 1)
  const bare = own.map((word) => word.replace(/;$/, ''))
  return /autossh$/.test(words[at] ?? '') ? withoutMonitor(bare) : bare
}

/** autossh has a monitoring port where ssh has a flag. */
function withoutMonitor(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => /^-[afgkNnqsTtvVxXyACGK46]*M/.test(word))
  if (at < 0) return words
  const [, flags = '', port = ''] = /^-([^M]*)M(.*)$/.exec(words[at] ?? '') ?? []
  return words.toSpliced(at, port === '' ? 2 : 1, ...(flags === '' ? [] : [`-${flags}`]))
}

/** Of the lines `Environment=NAME=value`. */
function environmentOf(text: string): ReadonlyMap<string, string> {
  const settings = [...text.matchAll(/^\s*Environment\s*=\s*(.*)$/gm)].flatMap(([, value = '']) => wordsOf(value) ?? [])
  return new Map(settings.map((each) => [each.replace(/=.*$/s, ''), each.replace(/^[^=]*=/, '')]))
}

/** `$NAME` alone may be several words, as in systemd. */
function expanded(line: string, variables: ReadonlyMap<string, string>): string {
  return line
    .replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => variables.get(braced ?? bare) ?? whole)
    .replaceAll('%%', '%')
}
