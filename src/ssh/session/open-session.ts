import { once, setMaxListeners } from 'node:events'
import type { Duplex } from 'node:stream'
import pLimit from 'p-limit'
import { HostSilent, RemoteError } from '../../errors.ts'
import { hostKeyText } from '../host-keys/pins.ts'
import { exec } from './exec.ts'
import { type Gone, keepaliveCount, keepaliveSeconds, type Link, lost, NoSession } from './link.ts'
import { packed } from './packed.ts'
import type { Sudo } from './remote-command.ts'
import type { ExecResult, FullSession } from './session.ts'
import { stream } from './stream.ts'
import { untilAborted } from './until-aborted.ts'
import type { Wire } from './wire.ts'

/** sshd allows 10 (MaxSessions) and refuses the rest; connections through it do not count. */
const MOST_EXECS = 8
const MOST_ROOM_WAIT_MS = 1000
/** A connection that is gone says so right behind its channels. */
const MOST_GOODBYE_MS = 1000

/** A login that has just succeeded. */
export interface OpenedLogin {
  readonly link: Link
  readonly host: string
  readonly via: string
  readonly user: string
  readonly sudo: Sudo
  readonly wire: Wire
  readonly onClose?: (() => void) | undefined
}

export function openSession(login: OpenedLogin): FullSession {
  const { link, wire } = login
  const limit = pLimit(MOST_EXECS)
  const gone = new AbortController()
  // Every exec listens, and every forward that is about to open.
  setMaxListeners(0, gone.signal)
  let ran = false

  // sshd counts a session until its last process is gone, so for a moment, or beside something a script left behind,
  // there may be no room although ours are few. Nothing has run then: trying again is safe.
  async function whenThereIsRoom(run: () => Promise<ExecResult>): Promise<ExecResult> {
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

  // Whose channel closes before its connection does, does not know why yet.
  async function whyGone(error: unknown): Promise<never> {
    if (error instanceof RemoteError && error.kind === 'lost' && !gone.signal.aborted)
      await Promise.race([once(gone.signal, 'abort'), wire.sleep(MOST_GOODBYE_MS)])
    throw error instanceof RemoteError && error.kind === 'lost' && gone.signal.aborted ? gone.signal.reason : error
  }

  let forget = () => {}
  const end = ({ silent, reason }: Gone) => {
    if (gone.signal.aborted) return
    const message = `the connection was lost${reason === undefined ? '' : `: ${reason}`}`
    gone.abort(silent ? silentHost(wire, ran ? { message } : undefined) : new RemoteError('lost', message))
    forget()
    login.onClose?.()
  }
  const close = () => {
    end({ silent: false, reason: 'provision closed it' })
    link.hangUp()
  }
  link.onGone(end)
  forget = wire.connections.hold(close)

  const forward = (where: string, open: () => Promise<Duplex>) => {
    wire.counts.forwards++
    return whenOpen(open, { where, timeoutMs: wire.connectTimeoutMs, gone: gone.signal })
  }

  return {
    host: login.host,
    via: login.via,
    login: { user: login.user, ...(link.accepted !== undefined && { key: link.accepted }) },
    hostKey: hostKeyText(link.key),
    hostKeys: () => [...new Set([link.key, ...link.proved()].map(hostKeyText))],
    exec: (script, options) =>
      limit(() => {
        wire.counts.execs++
        const { sudo, user } = login
        const { capBytes, sudoPassword: password } = wire
        // sshd opens PAM's session after the login: the first script waits for that, too.
        const timeoutMs = options.timeoutMs + (ran ? 0 : wire.connectTimeoutMs)
        const wish = {
          script: packed(script),
          ...options,
          timeoutMs,
          sudo,
          user,
          password,
          capBytes,
          gone: gone.signal,
        }
        return whenThereIsRoom(() => exec(link, wish)).catch(whyGone)
      }),
    forward(address, port) {
      return forward(`${address} port ${port}`, () => link.channel(address, port))
    },
    async forwardToSocket(path) {
      const { socketChannel } = link
      if (!socketChannel) throw new RemoteError('refused', `${path}: the ssh program reaches no socket there`)
      return forward(path, () => socketChannel(path))
    },
    stream(line, streams) {
      wire.counts.execs++
      const { sudo, user } = login
      const { sudoPassword: password, connectTimeoutMs: beginMs } = wire
      return stream(link, { ...streams, line, sudo, user, password, beginMs, gone: gone.signal })
    },
    terminal: (line, here) =>
      untilAborted(gone.signal, async () => {
        const { code, signal } = await link.terminal(line, here)
        if (code === null && signal === null) throw lost()
        // As ssh has it, of a shell that a signal has ended.
        return code ?? 255
      }),
    put: (local, remote) => untilAborted(gone.signal, () => link.put(local, remote)),
    get: (remote, local) => untilAborted(gone.signal, () => link.get(remote, local)),
    close,
  }
}

function silentHost({ connectTimeoutMs }: Wire, why?: { readonly message: string }): HostSilent {
  const seconds = keepaliveSeconds * keepaliveCount(connectTimeoutMs)
  const sinceLogin = {
    message: `it accepted the login, and has answered nothing since, for ${seconds} s`,
    hint: `something that runs at each login may take that long there (PAM: pam_systemd waits for systemd-logind, say): does \`ssh\` get in? \`--timeout ${4 * seconds}\` waits longer`,
  }
  return new HostSilent(seconds, why ?? sinceLogin)
}

/** The channel once it is open; one that opens too late is closed. */
function whenOpen(
  open: () => Promise<Duplex>,
  { where, timeoutMs, gone }: { readonly where: string; readonly timeoutMs: number; readonly gone: AbortSignal },
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      gone.removeEventListener('abort', onGone)
      act()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onGone = () => fail(gone.reason)
    const timer = setTimeout(
      () => fail(new RemoteError('timeout', `${where}: no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    if (gone.aborted) return onGone()
    gone.addEventListener('abort', onGone, { once: true })
    open().then((channel) => {
      if (settled) channel.destroy()
      settle(() => resolve(channel))
    }, fail)
  })
}
