import { splitPort } from '../../inventory/addresses.ts'
import { printJump } from './jump.ts'
import { changesNoRoute, type SshCommand, sshCommandOf } from './ssh-command.ts'
import { wordsOf } from './words.ts'

export interface ProxyJumps {
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** Where the last one connects to, in place of the host's own address, or of its port: `-W %h:2222`. */
  readonly to?: { readonly address?: string; readonly port?: number }
  /** What it says besides, such as `-i ~/.ssh/key`. */
  readonly besides?: readonly string[]
}

/**
 * `ssh [-q] [-p 2222] -W %h:%p user@gw` says the same as `-J user@gw:2222`; `-W 127.0.0.1:9022` is a port of that
 * gateway. So does `ssh gw nc %h %p`, and other programs that connect there.
 * undefined: it is something else.
 */
export function jumpOfCommand(command: string): ProxyJumps | undefined {
  const ssh = sshCommandOf(command)
  if (ssh?.host === undefined) return undefined
  const target = ssh.stdio === undefined ? connected(ssh.command.join(' ')) : standardIo(ssh)
  const to = target === undefined ? undefined : endOf(target)
  const before = hopsBefore(ssh)
  if (to === undefined || before === undefined) return undefined
  const { host, user, port } = ssh
  const besides = besidesOf(ssh)
  return {
    jumps: [...before, printJump({ host, ...(user !== undefined && { user }), ...(port !== undefined && { port }) })],
    ...(Object.keys(to).length > 0 && { to }),
    ...(besides.length > 0 && { besides }),
  }
}

type Target = readonly [address: string, port: string]

function targetOf([address, port, ...more]: readonly string[]): Target | undefined {
  const isPort = port !== undefined && /^(\d+|%p)$/.test(port)
  return address !== undefined && isPort && more.length === 0 ? [address, port] : undefined
}

function standardIo({ stdio = '', command }: SshCommand): Target | undefined {
  return command.length > 0 ? undefined : targetOf(splitPort(stdio) ?? [])
}

/** What is written out, in place of what ssh was asked for; undefined: nobody can say. */
function endOf([address, port]: Target): ProxyJumps['to'] {
  if (address !== '%h' && address.includes('%')) return undefined
  return { ...(address !== '%h' && { address }), ...(port !== '%p' && { port: Number(port) }) }
}

/** ssh has a ProxyJump or ProxyCommand for its own way. */
function hopsBefore({ jumps, proxyCommand }: SshCommand): readonly string[] | undefined {
  if (proxyCommand === undefined) return jumps
  const inner = jumpOfCommand(proxyCommand.replaceAll('%%', '%'))
  return inner?.to === undefined ? inner?.jumps : undefined
}

/** Where netcat or socat connect its input to, when it is run with these words. */
function connected(command: string): Target | undefined {
  const line = command.replace(/^exec\s+/, '').replace(/\s+2>\s*\/dev\/null\s*$/, '')
  const [program = '', ...words] = wordsOf(line) ?? []
  const name = program.replace(/^.*\//, '')
  if (name === 'socat') return socat(words)
  return /^(nc|ncat|netcat|nc\.openbsd|nc\.traditional)$/.test(name) ? netcat(words) : undefined
}

function netcat(words: readonly string[]): Target | undefined {
  const operands: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, letters = ''] = /^-([^-].*)$/.exec(word) ?? []
    // Listening, UDP, another program, or a proxy of its own.
    if (word.startsWith('--') || /^[a-zA-Z]*[luUecXx]/.test(letters)) return undefined
    if (letters === '') operands.push(word)
    else if (/^[a-zA-Z]*[iIMmOPpqsTVWw]$/.test(letters)) at++
  }
  return targetOf(operands)
}

function socat(words: readonly string[]): Target | undefined {
  const ends = words.filter((word) => !word.startsWith('-') || word === '-')
  const there = ends.find((word) => !/^(-|stdio)$/i.test(word))
  const [, place = ''] = /^tcp[46]?(?:-connect)?:([^,]*)/i.exec(there ?? '') ?? []
  return ends.length === 2 ? targetOf(splitPort(place) ?? []) : undefined
}

function besidesOf({ identityFiles, others }: SshCommand): string[] {
  return [...identityFiles.map((file) => `-i ${file}`), ...others.filter((other) => !changesNoRoute(other))]
}
