import type { ConfigFile } from '../ssh/user-config/config-tree.ts'
import { parseJump } from '../ssh/user-config/jump.ts'
import type { AskWritten, WrittenOptions } from './config-answers.ts'
import { matchesHost } from './config-names.ts'

/** A section of an ssh_config; without patterns it is about everybody. */
interface Section {
  readonly patterns?: readonly string[]
  readonly lines: Line[]
}

interface Line {
  readonly key: string
  readonly words: readonly string[]
}

/** Options whose value ssh gives back as it is written, where it is as plain as this. */
const PLAIN: Readonly<Record<string, RegExp>> = {
  hostname: /^[a-z0-9][a-z0-9.-]*$/,
  port: /^[1-9]\d{0,4}$/,
  user: /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  // A number would be given back in brackets.
  proxyjump: /^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*$/,
  identityfile: /^~?\/[A-Za-z0-9_./-]+$/,
  hostkeyalias: /^[a-z0-9][a-z0-9.-]*$/,
}

/**
 * Asks ssh once for all names that differ in nothing but plain values of their own sections, such as `HostName
 * 10.0.0.5`: thousands of hosts then cost a few questions. Where a file has conditions that only ssh knows, it is asked
 * for each.
 */
export function askingOncePerClass(files: readonly ConfigFile[], ask: AskWritten): AskWritten {
  const sections = sectionsOf(files)
  if (sections === undefined) return ask
  const asked = new Map<string, { readonly member: Member; readonly answer: ReturnType<AskWritten> }>()
  return async (name) => {
    const member = memberOf(name, sections)
    const { signature } = member
    if (signature === undefined) return ask(name)
    const first = asked.get(signature)
    if (first === undefined) {
      const answer = ask(name)
      asked.set(signature, { member, answer })
      return answer
    }
    const answer = await first.answer
    return (answer && inPlaceOf(first.member, member, answer)) ?? ask(name)
  }
}

/** undefined: it holds more than `Host`, `Match all`, and files that are included for everybody. */
function sectionsOf(files: readonly ConfigFile[]): Section[] | undefined {
  const all: Section[] = []
  for (const { lines } of files) {
    all.push({ lines: [] })
    for (const { keyword, words, includes } of lines) {
      if (keyword === 'host') all.push({ patterns: words, lines: [] })
      else if (keyword === 'match') {
        if (words.join(' ').toLowerCase() !== 'all') return undefined
        all.push({ lines: [] })
      } else if (keyword === 'include') {
        const inner = includes?.flatMap((one) => (typeof one === 'string' ? [] : [one])) ?? []
        const nested = inner.length === includes?.length && !all.at(-1)?.patterns ? sectionsOf(inner) : undefined
        if (nested === undefined) return undefined
        all.push(...nested, { lines: [] })
      } else if (keyword === 'canonicalizehostname') return undefined
      else if (keyword !== '') all.at(-1)?.lines.push({ key: keyword, words })
    }
  }
  return all
}

interface Member {
  readonly name: string
  /** The same of all who differ in `own` alone; undefined: the answer depends on the name. */
  readonly signature: string | undefined
  /** Of each option that is given back as written: the values in ssh's order. */
  readonly values: ReadonlyMap<string, readonly string[]>
}

function memberOf(name: string, sections: readonly Section[]): Member {
  const about = sections.filter(({ patterns }) => patterns === undefined || matchesHost(patterns, name))
  const values = new Map<string, string[]>()
  let isFixed = true
  const signature = about.flatMap(({ patterns, lines }) => {
    const isOwn = patterns?.every((word) => !/[*?!]/.test(word)) ?? false
    return lines.map(({ key, words }) => {
      const [value = ''] = words
      // Every token is about the name, or about what depends on it.
      if (key === 'hostname' && value.includes('%')) isFixed = false
      values.set(key, [...(values.get(key) ?? []), value])
      const isPlain = isOwn && words.length === 1 && PLAIN[key]?.test(value)
      return isPlain ? [key] : [key, ...words]
    })
  })
  // ssh never jumps through a host to itself.
  const hops = (values.get('proxyjump') ?? []).flatMap((jumps) => jumps.split(',')).map((hop) => parseJump(hop).host)
  const own = [name, ...(values.get('hostname') ?? [])].map((each) => each.toLowerCase())
  if (hops.some((hop) => own.includes(hop.toLowerCase()))) isFixed = false
  return { name, signature: isFixed ? JSON.stringify(signature) : undefined, values }
}

/** The answer for the one as that for the other; undefined: it has to be asked. */
function inPlaceOf(first: Member, member: Member, answer: WrittenOptions): WrittenOptions | undefined {
  const made = new Map(answer)
  for (const key of Object.keys(PLAIN)) {
    const [theirs = [], own = []] = [first.values.get(key), member.values.get(key)]
    if (theirs.length === 0) continue
    const given = answer.get(key)
    if (key === 'identityfile') {
      const isSame = given?.join('\n') === theirs.join('\n') && new Set(own).size === own.length
      if (!isSame) return undefined
      made.set(key, own)
    } else if (own[0] !== theirs[0]) {
      if (given?.[0] !== theirs[0] || own[0] === undefined) return undefined
      made.set(key, [own[0]])
    }
  }
  // What equals the name, or a default, is not written.
  const isName = made.get('hostname')?.[0]?.toLowerCase() === member.name.toLowerCase()
  const theirName = first.values.get('hostname')?.[0]?.toLowerCase() === first.name.toLowerCase()
  if (isName || theirName || member.values.get('port')?.[0] === '22') return undefined
  return made
}
