import { wordsOf } from './words.ts'

export interface Proxy {
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** The words that say something else. */
  readonly others: readonly string[]
}

/** The ways of people to say "through that machine", in the words that ssh is given. */
export function proxyIn(args: string): Proxy {
  const words = wordsOf(args)
  if (words === undefined) return { jumps: [], others: [args] }
  const jumps: string[] = []
  const others: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, letter, glued = ''] = /^-([Jo])(.*)$/s.exec(word) ?? []
    const value = letter === undefined || glued !== '' ? glued : (words[++at] ?? '')
    const found = letter === 'J' ? value.split(',') : letter === 'o' ? jumpsOf(value) : undefined
    if (found === undefined) others.push(letter === undefined ? word : `-${letter} ${value}`)
    else jumps.push(...found)
  }
  return { jumps, others }
}

/** Of `ProxyJump=…` and `ProxyCommand=ssh … -W %h:%p …`; undefined: it is another option. */
function jumpsOf(option: string): readonly string[] | undefined {
  const [, key = '', value = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/s.exec(option) ?? []
  if (/^proxyjump$/i.test(key)) return value.split(',').map((hop) => hop.trim())
  const jump = /^proxycommand$/i.test(key) ? jumpOfCommand(value) : undefined
  return jump === undefined ? undefined : [jump]
}

/** `ssh [-q] [-p 2222] -W %h:%p user@gw` says the same as `-J user@gw:2222`. */
export function jumpOfCommand(command: string): string | undefined {
  const [program, ...words] = wordsOf(command.replace(/^exec\s+/, '')) ?? []
  if (program === undefined || !/^(\S*\/)?ssh$/.test(program)) return undefined
  let forwards = false
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
      if (letter === 'W') forwards = /^\[?%h\]?:%p$/.test(value)
      if (letter === 'p') port = value
      if (letter === 'l') user = value
    }
  }
  const [host, ...more] = hosts
  if (!forwards || host === undefined || more.length > 0) return undefined
  return `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`
}
