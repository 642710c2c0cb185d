import { wordsOf } from './words.ts'

export interface Jumps {
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** Where the last one connects to, in place of the host's own address: a door there. */
  readonly to?: { readonly address: string; readonly port: number }
}

export interface Proxy extends Jumps {
  /** The words that say something else. */
  readonly others: readonly string[]
}

/** The ways of people to say "through that machine", in the words that ssh is given. */
export function proxyIn(args: string): Proxy {
  const words = wordsOf(args)
  if (words === undefined) return { jumps: [], others: [args] }
  let jumps: Jumps = { jumps: [] }
  const others: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, letter, glued = ''] = /^-([Jo])(.*)$/s.exec(word) ?? []
    const value = letter === undefined || glued !== '' ? glued : (words[++at] ?? '')
    const found = letter === 'J' ? { jumps: value.split(',') } : letter === 'o' ? jumpsOf(value) : undefined
    if (found === undefined) others.push(letter === undefined ? word : `-${letter} ${value}`)
    // As in ssh, the first counts.
    else if (jumps.jumps.length === 0) jumps = found
  }
  return { ...jumps, others }
}

/** Of `ProxyJump=…` and `ProxyCommand=ssh … -W %h:%p …`; undefined: it is another option. */
function jumpsOf(option: string): Jumps | undefined {
  const [, key = '', value = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/s.exec(option) ?? []
  if (/^proxyjump$/i.test(key)) return { jumps: value.split(',').map((hop) => hop.trim()) }
  return /^proxycommand$/i.test(key) ? jumpOfCommand(value) : undefined
}

/**
 * `ssh [-q] [-p 2222] -W %h:%p user@gw` says the same as `-J user@gw:2222`; `-W 127.0.0.1:9022` is a door of that gateway.
 * undefined: it is something else.
 */
export function jumpOfCommand(command: string): Jumps | undefined {
  const [program, ...words] = wordsOf(command.replace(/^exec\s+/, '')) ?? []
  if (program === undefined || !/^(\S*\/)?ssh$/.test(program)) return undefined
  let target = ''
  let port: string | undefined
  let user: string | undefined
  const hosts: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, letter, glued = ''] = /^-([A-Za-z0-9])(.*)$/s.exec(word) ?? []
    if (letter === undefined) hosts.push(word)
    // Those of ssh(1) that take a word.
    else if (/[BbcDEeFIiJLlmOopQRSWw]/.test(letter)) {
      const value = glued === '' ? (words[++at] ?? '') : glued
      if (letter === 'W') target = value
      if (letter === 'p') port = value
      if (letter === 'l') user = value
    }
  }
  const [host, ...more] = hosts
  if (host === undefined || more.length > 0) return undefined
  const jumps = [`${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`]
  if (/^\[?%h\]?:%p$/.test(target)) return { jumps }
  const [, bracketed, plain, door] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(target) ?? []
  const address = bracketed ?? plain
  return address === undefined ? undefined : { jumps, to: { address, port: Number(door) } }
}
