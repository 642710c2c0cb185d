import { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { ConnectError } from '../../../src/errors.ts'
import type { Resource } from '../../../src/resources/resource.ts'
import type { Transaction } from '../../../src/run/transaction/script.ts'
import { transact } from '../../../src/run/transaction/transaction.ts'
import { sh } from '../../../src/shell/sh.ts'
import type { ExecResult, Session } from '../../../src/ssh/session/session.ts'

/** Text as a host sends it. */
export const b64 = (text: string) => Buffer.from(text).toString('base64')

/** A file that is to be `new`. */
export const resource: Resource = {
  id: 'file /etc/motd',
  inspect: sh`cat /etc/motd`,
  diff: (now) =>
    now === 'new' ? 'converged' : now === 'later' ? 'later' : { summary: 'rewrite', saves: [], commit: sh`:` },
}

/** The one change that is asked for. */
export const wanted: Transaction = {
  id: 'run-0',
  who: 'user001',
  confirmWithinSeconds: 20,
  resources: [resource],
  changes: [{ resource, change: { summary: 'rewrite', saves: [], commit: sh`:` }, digest: 'd' }],
}

const nobody = { of: () => undefined, gone: () => false, failed: () => false }

/** No host is there to log in to. */
export const away = new ConnectError('unreachable', 'no route to host')

/** What its one resource shows, as a host sends it. */
export const seen = (text: string) =>
  `@packed ${gzipSync(`${Buffer.byteLength(text)} 0\n\n${text}`).toString('base64')}\n`

/** The host has made the change, and waits for its confirmation. */
export const waiting = `@\n${seen('new')}@outcome waiting\n`

/** How it ended. */
export const outcome = (word: string) => `@outcome ${word}\n`

/** What failed, and how it ended then. */
export const failed = (phase: string, message: string, word: string) =>
  `@failed ${phase} 0 1 ${b64(message)}\n${outcome(word)}`

type Answers = readonly (string | Error | Partial<ExecResult>)[]
interface Wire {
  readonly end: Awaited<ReturnType<typeof transact>>
  /** `HOST-SIDE WORD by SESSION`, and what else happened, in order. */
  readonly log: readonly string[]
  /** What it was sent. */
  readonly scripts: readonly string[]
  readonly seconds: number
  /** How many logins came in. */
  readonly opened: number
}

/**
 * A host that answers by a script. First comes what the first session answers. Then comes every login: it fails, or it
 * is a session with its answers.
 */
export const run = (first: Answers, ...logins: readonly (Error | Answers)[]) => runOf(wanted, first, ...logins)

/** The same, asked for another change. */
export async function runOf(
  asked: Transaction,
  first: Answers,
  ...logins: readonly (Error | Answers)[]
): Promise<Wire> {
  const log: string[] = []
  const scripts: string[] = []
  const session = (name: string, answers: Answers): Session => {
    const left = [...answers]
    return {
      host: 'host-a',
      via: 'direct',
      hostKey: 'ssh-ed25519 AAAA',
      hostKeys: () => ['ssh-ed25519 AAAA'],
      forward: async () => new Duplex(),
      close: () => void log.push(`close ${name}`),
      async exec(script, { privileged }) {
        const word = /^set -- (\w+)/m.exec(script)?.[1] ?? 'apply'
        expect(privileged).toBe(true)
        log.push(`${word} by ${name}`)
        scripts.push(script)
        const answer = left.shift()
        if (answer === undefined) throw new Error(`${name} was asked once too often`)
        if (answer instanceof Error) throw answer
        const result = typeof answer === 'string' ? { stdout: Buffer.from(answer) } : answer
        return { code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), ...result }
      },
    }
  }
  let clock = 0
  let made = 0
  let opened = 0
  const end = await transact(session('first', first), asked, nobody, {
    now: () => clock,
    clock: () => new Date(2026, 10, 22, 12, 0, 0),
    wait: async (ms) => {
      clock += ms
    },
    debug: () => {},
    login: async () => {
      const next = logins[Math.min(made++, logins.length - 1)]
      clock += 1000
      if (next instanceof Error || next === undefined) {
        if (log.at(-1) !== 'no login') log.push('no login')
        throw next ?? away
      }
      opened++
      return session(`login ${made}`, next)
    },
  })
  return { end, log, scripts, seconds: clock / 1000, opened }
}

/** A file that an apply puts beside its transaction. */
export function fileIn(script: string, name: string): string {
  const [, quoted = ''] = new RegExp(`printf %s '((?:[^']|'\\\\'')*)' >"\\$incoming/"${name}$`, 'm').exec(script) ?? []
  return quoted.replaceAll(`'\\''`, `'`)
}
