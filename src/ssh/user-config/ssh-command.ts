import { parseJump } from './jump.ts'
import { wordsOf } from './words.ts'

/** What the arguments of ssh(1) say; where two say the same thing, the first counts, as in ssh. */
export interface SshCommand {
  readonly host?: string
  readonly user?: string
  readonly port?: string
  /** `-J`, or the option ProxyJump. */
  readonly jumps: readonly string[]
  readonly proxyCommand?: string
  /** Of `-W`. */
  readonly stdio?: string
  readonly identityFiles: readonly string[]
  /** Of `-R`, and of the option RemoteForward, in the words of `-R`. */
  readonly remoteForwards: readonly string[]
  /** All else, as written: `-o ForwardAgent=no`, `-C`. */
  readonly others: readonly string[]
  /** What is run there. */
  readonly command: readonly string[]
}

/** The options of ssh(1) that take a word. */
const TAKES = /[BbcDEeFIiJLlmOopPQRSWw]/

export function readSshCommand(words: readonly string[]): SshCommand {
  const { options, command } = optionsOf(words)
  const found: Reading = { identityFiles: [], remoteForwards: [], others: [] }
  for (const [letter, value] of options) take(found, letter, value)
  const { route, ...rest } = found
  return {
    ...rest,
    jumps: route?.key === 'proxyjump' && route.value !== 'none' ? route.value.split(',').map((hop) => hop.trim()) : [],
    ...(route?.key === 'proxycommand' && route.value !== 'none' && { proxyCommand: route.value }),
    command,
  }
}

interface Reading {
  host?: string
  user?: string
  port?: string
  stdio?: string
  route?: { readonly key: 'proxyjump' | 'proxycommand'; readonly value: string }
  readonly identityFiles: string[]
  readonly remoteForwards: string[]
  readonly others: string[]
}

function take(found: Reading, letter: string, value: string): void {
  const [key, setting] = letter === 'o' ? optionOf(value) : [LETTERS[letter] ?? '', value]
  if (letter === '') takeHost(found, value)
  // `-l` alone counts whatever was said before.
  else if (letter === 'l') found.user = value
  else if (key === 'port') found.port ??= setting
  else if (key === 'user') found.user ??= setting
  else if (key === 'proxyjump' || key === 'proxycommand') found.route ??= { key, value: setting }
  else if (key === 'stdio') found.stdio ??= setting
  else if (key === 'identityfile') found.identityFiles.push(setting)
  else if (key === 'remoteforward') found.remoteForwards.push(setting.trim().replace(/\s+/, ':'))
  else found.others.push(value === '' ? `-${letter}` : `-${letter} ${value}`)
}

const LETTERS: Readonly<Record<string, string>> = {
  p: 'port',
  J: 'proxyjump',
  W: 'stdio',
  i: 'identityfile',
  R: 'remoteforward',
}

/** `Port=22`, `Port 22` and `port = "22"` say the same. */
function optionOf(option: string): [string, string] {
  const [, key = '', value = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/s.exec(option) ?? []
  const quoted = /^"([^"]*)"$/.exec(value)?.[1]
  return [key.toLowerCase(), quoted ?? value]
}

/**
 * Options stand before and behind the host, until the first word of the command. The host is the one without a letter.
 */
function optionsOf(words: readonly string[]) {
  const options: [letter: string, value: string][] = []
  let host: string | undefined
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') {
      at++
      if (host === undefined && at < words.length) options.push(['', words[at++] ?? ''])
      break
    }
    if (!/^-./.test(word)) {
      if (host !== undefined) break
      host = word
      options.push(['', word])
      continue
    }
    for (let rest = word.slice(1); rest !== ''; rest = rest.slice(1)) {
      const letter = rest[0] ?? ''
      if (!TAKES.test(letter)) {
        options.push([letter, ''])
        continue
      }
      options.push([letter, rest.length > 1 ? rest.slice(1) : (words[++at] ?? '')])
      break
    }
  }
  return { options, command: words.slice(at) }
}

/** `user@host`, or `ssh://user@host:port`. */
function takeHost(found: Reading, text: string): void {
  const [, name, place = text] = /^(?:(.+)@)?(.+)$/s.exec(text) ?? []
  const { user = name, host, port } = text.startsWith('ssh://') ? parseJump(text) : { host: place }
  found.host = host.replace(/^\[(.*)\]$/, '$1')
  if (user !== undefined) found.user ??= user
  if (port !== undefined) found.port ??= String(port)
}

/**
 * A command line of ssh, whatever it is started through: `exec ssh …`, `sh -c 'ssh …'`. undefined: it is another
 * program.
 */
export function sshCommandOf(line: string): SshCommand | undefined {
  const [program = '', ...words] = wordsOf(line.trim().replace(/^exec\s+/, '')) ?? []
  if (/^(\S*\/)?(ba|da)?sh$/.test(program) && words[0] === '-c') return sshCommandOf(words[1] ?? '')
  return /^(\S*\/)?ssh$/.test(program) ? readSshCommand(words) : undefined
}

/** Is this an option of ssh that says nothing about where it leads, and as whom? */
export function changesNoRoute(option: string): boolean {
  return /^-(?:[qvxaTtnNfk46C]$|o\s*(?:BatchMode|Compression|Connect\w+|Control\w+|ForwardAgent|LogLevel|ServerAlive\w+|StrictHostKeyChecking|(?:User|Global)KnownHostsFile|ClearAllForwardings|ExitOnForwardFailure)\b)/i.test(
    option,
  )
}
