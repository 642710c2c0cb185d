import type { Cause } from '../connect-error.ts'
import { printable, saidLines } from '../end-mark.ts'
import { type Gone, hostIsSilent } from '../link.ts'

/**
 * What ssh's own log (`-v`) contains so far, for people. Its wording is the same since OpenSSH 8.5. Hosts can put
 * whole lines into it, before they have proved anything (SSH_MSG_DEBUG, SSH_MSG_DISCONNECT): nothing that is trusted
 * depends on it.
 */
export interface Log {
  add(chunk: Buffer): void
  ready(): boolean
  partial(): boolean
  offered(): readonly string[]
  /** The fingerprint of the key that was taken last. */
  accepted(): string | undefined
  /** The host has announced which host keys it serves. */
  hasHostKeys(): boolean
  /** ssh's messages about keys that it could not use. */
  remarks(): readonly string[]
  /** Why a `direct-tcpip` channel to this target was refused. */
  refusal(target: string): string | undefined
  /** What the host sent for people: its banner, and why it ended the connection. */
  said(): readonly string[]
  /** What it does not understand of its configuration: it is too old. */
  complaint(): string | undefined
  /** What ended the attempt. */
  cause(): Cause
  /** Why a connection that was open is gone. */
  gone(): Gone
  /** Called at each line. */
  onLine(listener: () => void): void
}

export function sshLog(): Log {
  let rest = ''
  let ready = false
  let partial = false
  let hasHostKeys = false
  const offered: string[] = []
  let accepted: string | undefined
  const errors: string[] = []
  const channels = new Map<string, string>()
  const refusals = new Map<string, string>()
  let target = ''
  const banner: string[] = []
  let greets = false
  let onLine = () => {}

  const take = (line: string) => {
    const [debug, words] = line.startsWith('debug1: ') ? [true, line.slice(8)] : [false, line]
    partial ||= words.includes('with partial success')
    if (debug) {
      if (words.startsWith('SSH2_MSG_SERVICE_ACCEPT')) greets = true
      if (words.startsWith('Authentications that can continue')) greets = false
      hasHostKeys ||= words.includes('rtype hostkeys-00@openssh.com')
      ready ||= words.startsWith('Entering interactive session')
      const [, file, print] = /^Offering public key: (.*) \S+ (SHA256:\S+)/.exec(words) ?? []
      if (print !== undefined) offered.push(`${file} ${print}`)
      accepted = /^Server accepts key: .* (SHA256:\S+)/.exec(words)?.[1] ?? accepted
      target = /^channel_connect_stdio_fwd: (.*)$/.exec(words)?.[1] ?? target
      const channel = /^channel (\d+): new (?:stdio-forward )?\[stdio-forward\]/.exec(words)?.[1]
      if (channel !== undefined) channels.set(channel, target)
      return
    }
    if (greets) banner.push(words)
    const [, channel = '', why = ''] = /^channel (\d+): open failed: (.*)$/.exec(words) ?? []
    const of = channels.get(channel)
    if (of !== undefined) refusals.set(of, why.replace(/^(connect failed|unknown channel type): /, ''))
    if (channel === '') errors.push(words)
    if (errors.length > 20) errors.shift()
  }
  const heard = (words: RegExp) => errors.find((line) => words.test(line))

  return {
    add(chunk) {
      const lines = (rest + chunk.toString('latin1')).split(/\r?\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) take(line)
      onLine()
    },
    ready: () => ready,
    partial: () => partial,
    offered: () => offered,
    accepted: () => accepted,
    hasHostKeys: () => hasHostKeys,
    remarks: () => errors.filter((line) => /^Load key|^Permissions \d+ for/.test(line)).map(printable),
    said() {
      const why = /^Received disconnect from .*?:\d+: (.*)$/.exec(heard(/^Received disconnect/) ?? '')?.[1]
      return [...saidLines(banner.join('\n')), ...saidLines(why ?? '')]
    },
    complaint: () =>
      /(?:bad|unsupported) (?:configuration )?option.*/i.exec(heard(/ option.*:|option ".*"/i) ?? '')?.[0],
    refusal: (to) => refusals.get(to),
    cause() {
      const mismatch = /no matching .*/.exec(heard(/no matching/) ?? '')?.[0]
      if (mismatch !== undefined)
        return { kind: 'no-match', why: printable(mismatch), hostKey: /host key/.test(mismatch) }
      const denied = heard(/Permission denied|Too many authentication failures/)
      if (denied?.includes('Too many')) return { kind: 'too-many-keys' }
      if (denied !== undefined && heard(/signing failed|agent refused/) !== undefined) return { kind: 'agent' }
      if (denied !== undefined) return { kind: 'refused' }
      if (heard(/closed|reset|aborted|kex_exchange_identification|Broken pipe/i) !== undefined)
        return { kind: 'hung-up' }
      return { kind: 'other', why: printable(errors.at(-1) ?? '') || 'ssh gave no reason' }
    },
    gone() {
      if (heard(/not responding/) !== undefined) return hostIsSilent
      return { silent: false, reason: heard(/reset by/) && 'connection reset' }
    },
    onLine(listener) {
      onLine = listener
    },
  }
}
