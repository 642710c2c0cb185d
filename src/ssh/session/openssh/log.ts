import type { Cause } from '../connect-error.ts'
import { printable } from '../end-mark.ts'

/**
 * What ssh's own log (`-v`) has told so far, for people. Its words have stood since OpenSSH 8.5. Hosts can put whole lines
 * into it, before they have proved anything (SSH_MSG_DEBUG, SSH_MSG_DISCONNECT): nothing that is trusted hangs on it.
 */
export interface Log {
  add(chunk: Buffer): void
  ready(): boolean
  partial(): boolean
  offered(): readonly string[]
  /** The fingerprint of the key that was taken last. */
  accepted(): string | undefined
  /** The host has said which host keys it serves. */
  toldHostKeys(): boolean
  /** What ssh has to say about keys that it could not use. */
  remarks(): readonly string[]
  /** Why a `direct-tcpip` channel to this target was refused. */
  refusal(target: string): string | undefined
  /** What it does not understand of its configuration: it is too old. */
  complaint(): string | undefined
  /** What ended the attempt. */
  cause(): Cause
  /** Why a connection that stood is gone. */
  reason(): string | undefined
  /** Told at each line. */
  onLine(tell: () => void): void
}

export function sshLog(): Log {
  let rest = ''
  let ready = false
  let partial = false
  let toldHostKeys = false
  const offered: string[] = []
  let accepted: string | undefined
  const said: string[] = []
  const channels = new Map<string, string>()
  const refusals = new Map<string, string>()
  let target = ''
  let tell = () => {}

  const take = (line: string) => {
    const [debug, words] = line.startsWith('debug1: ') ? [true, line.slice(8)] : [false, line]
    partial ||= words.includes('with partial success')
    if (debug) {
      toldHostKeys ||= words.includes('rtype hostkeys-00@openssh.com')
      ready ||= words.startsWith('Entering interactive session')
      const [, file, print] = /^Offering public key: (.*) \S+ (SHA256:\S+)/.exec(words) ?? []
      if (print !== undefined) offered.push(`${file} ${print}`)
      accepted = /^Server accepts key: .* (SHA256:\S+)/.exec(words)?.[1] ?? accepted
      target = /^channel_connect_stdio_fwd: (.*)$/.exec(words)?.[1] ?? target
      const channel = /^channel (\d+): new (?:stdio-forward )?\[stdio-forward\]/.exec(words)?.[1]
      if (channel !== undefined) channels.set(channel, target)
      return
    }
    const [, channel = '', why = ''] = /^channel (\d+): open failed: (.*)$/.exec(words) ?? []
    const of = channels.get(channel)
    if (of !== undefined) refusals.set(of, why.replace(/^(connect failed|unknown channel type): /, ''))
    if (channel === '') said.push(words)
    if (said.length > 20) said.shift()
  }
  const heard = (words: RegExp) => said.find((line) => words.test(line))

  return {
    add(chunk) {
      const lines = (rest + chunk.toString('latin1')).split(/\r?\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) take(line)
      tell()
    },
    ready: () => ready,
    partial: () => partial,
    offered: () => offered,
    accepted: () => accepted,
    toldHostKeys: () => toldHostKeys,
    remarks: () => said.filter((line) => /^Load key|^Permissions \d+ for/.test(line)).map(printable),
    complaint: () =>
      /(?:bad|unsupported) (?:configuration )?option.*/i.exec(heard(/ option.*:|option ".*"/i) ?? '')?.[0],
    refusal: (to) => refusals.get(to),
    cause() {
      const mismatch = /no matching .*/.exec(heard(/no matching/) ?? '')?.[0]
      if (mismatch !== undefined)
        return { kind: 'no-match', why: printable(mismatch), hostKey: /host key/.test(mismatch) }
      const denied = heard(/Permission denied|Too many authentication failures/)
      if (denied !== undefined && heard(/signing failed|agent refused/) !== undefined) return { kind: 'agent' }
      if (denied !== undefined) return { kind: 'refused' }
      if (heard(/closed|reset|aborted|kex_exchange_identification|Broken pipe/i) !== undefined)
        return { kind: 'hung-up' }
      return { kind: 'other', why: printable(said.at(-1) ?? '') || 'ssh gave no reason' }
    },
    reason() {
      if (heard(/not responding/) !== undefined) return 'it answers no more'
      return heard(/reset by/) === undefined ? undefined : 'connection reset'
    },
    onLine(teller) {
      tell = teller
    },
  }
}
