import { wordsOf } from './words.ts'

export interface ProxyJumps {
  /** `[user@]host[:port]`, nearest to us first. */
  readonly jumps: readonly string[]
  /** Where the last one connects to, in place of the host's own address: a port there. */
  readonly to?: { readonly address: string; readonly port: number }
}

/**
 * `ssh [-q] [-p 2222] -W %h:%p user@gw` says the same as `-J user@gw:2222`; `-W 127.0.0.1:9022` is a port of that
 * gateway.
 * undefined: it is something else.
 */
export function jumpOfCommand(command: string): ProxyJumps | undefined {
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
  const [, bracketed, plain, targetPort] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(target) ?? []
  const address = bracketed ?? plain
  return address === undefined ? undefined : { jumps, to: { address, port: Number(targetPort) } }
}
