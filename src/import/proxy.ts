import { jumpOfCommand, type ProxyJumps } from '../ssh/user-config/proxy-command.ts'
import { wordsOf } from '../ssh/user-config/words.ts'

export interface Proxy extends ProxyJumps {
  /** The words that say something else. */
  readonly others: readonly string[]
}

/** The ways in which arguments for ssh can say "through that machine". */
export function proxyIn(args: string): Proxy {
  const words = wordsOf(args)
  if (words === undefined) return { jumps: [], others: [args] }
  let jumps: ProxyJumps = { jumps: [] }
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
function jumpsOf(option: string): ProxyJumps | undefined {
  const [, key = '', value = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/s.exec(option) ?? []
  if (/^proxyjump$/i.test(key)) return { jumps: value.split(',').map((hop) => hop.trim()) }
  return /^proxycommand$/i.test(key) ? jumpOfCommand(value) : undefined
}
