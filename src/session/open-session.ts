import type { Duplex } from 'node:stream'
import type { NodeSSH } from 'node-ssh'
import pLimit from 'p-limit'
import type { Client } from 'ssh2'
import { RemoteError } from '../errors.ts'
import { type HostKey, hostKeyText } from '../pins.ts'
import type { Result, Session } from '../session.ts'
import { exec, NoSession } from './exec.ts'
import { hangUp } from './handshake.ts'
import type { Sudo } from './remote-command.ts'
import { socketReason } from './socket.ts'
import type { Wire } from './wire.ts'

/** sshd allows 10 (MaxSessions) and refuses the rest; connections through it do not count. */
const MOST_EXECS = 8
const MOST_ROOM_WAIT_MS = 1000

/** A login that has just succeeded. */
export interface Authenticated {
  readonly ssh: NodeSSH
  readonly client: Client
  readonly key: HostKey
  /** Filled as they come. */
  readonly proved: readonly HostKey[]
  readonly socket: Duplex
  readonly host: string
  readonly via: string
  readonly user: string
  readonly sudo: Sudo
  readonly wire: Wire
  readonly onClose?: (() => void) | undefined
}

export function openSession(login: Authenticated): Session {
  const { ssh, client, socket, wire } = login
  const limit = pLimit(MOST_EXECS)
  const gone = new AbortController()
  let reason: string | undefined
  client.on('error', (error) => {
    reason ??= /keepalive/i.test(error.message) ? 'it answers no more' : socketReason(error)
  })
  let ran = false

  // sshd counts a session until its last process is gone, so for a moment, or beside something a script left behind, there
  // may be no room although ours are few. Nothing has run then: trying again is safe.
  async function whenThereIsRoom(run: () => Promise<Result>): Promise<Result> {
    for (let wait = 20; ; wait *= 2) {
      try {
        const result = await run()
        ran = true
        return result
      } catch (error) {
        if (!(error instanceof NoSession) || !ran || wait > MOST_ROOM_WAIT_MS) throw error
        await wire.sleep(wait)
      }
    }
  }

  const end = () => {
    if (gone.signal.aborted) return
    gone.abort(new RemoteError('lost', `the connection was lost${reason === undefined ? '' : `: ${reason}`}`))
    login.onClose?.()
  }
  client.once('close', end)
  client.once('end', end)

  return {
    host: login.host,
    via: login.via,
    hostKey: hostKeyText(login.key),
    hostKeys: () => [...new Set([login.key, ...login.proved].map(hostKeyText))],
    exec: (script, options) =>
      limit(() => {
        wire.counts.execs++
        const { sudo, user } = login
        const { capBytes, sudoPassword: password } = wire
        const wish = { script, ...options, sudo, user, password, capBytes, gone: gone.signal }
        return whenThereIsRoom(() => exec(ssh, wish))
      }),
    forward(address, port) {
      wire.counts.forwards++
      return forward(ssh, { address, port, timeoutMs: wire.connectTimeoutMs, gone: gone.signal })
    },
    close() {
      reason ??= 'it was closed from here'
      hangUp(client, socket)
      end()
    },
  }
}

interface ForwardTo {
  readonly address: string
  readonly port: number
  readonly timeoutMs: number
  readonly gone: AbortSignal
}

function forward(ssh: NodeSSH, to: ForwardTo): Promise<Duplex> {
  const where = `${to.address} port ${to.port}`
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      to.gone.removeEventListener('abort', onGone)
      act()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onGone = () => fail(to.gone.reason)
    const timer = setTimeout(() => {
      fail(new RemoteError('timeout', `${where}: no answer within ${to.timeoutMs / 1000} s`))
    }, to.timeoutMs)
    if (to.gone.aborted) return onGone()
    to.gone.addEventListener('abort', onGone, { once: true })
    ssh.forwardOut('127.0.0.1', 0, to.address, to.port).then(
      (channel) => {
        // For ever: an error that nobody hears ends the process.
        channel.on('error', () => undefined)
        if (settled) channel.destroy()
        settle(() => resolve(channel))
      },
      (error: Error) => {
        const far = /open failure: ?(.*)$/i.exec(error.message)?.[1]
        fail(
          far === undefined
            ? new RemoteError('lost', 'the connection was lost')
            : new RemoteError('refused', `${where}: ${far}`),
        )
      },
    )
  })
}
