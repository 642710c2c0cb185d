import { connect, type Socket } from 'node:net'
import { ConnectError, PortClosed } from '../../errors.ts'
import { errorCode } from '../../files/atomic.ts'
import type { Connections } from './connections.ts'

export interface Address {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  readonly connections: Connections
  readonly signal?: AbortSignal | undefined
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name could not be looked up (no DNS?)',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'no route to that network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'connection reset',
}

/**
 * A TCP connection without Nagle's delay: ssh2 writes packets in pieces and never asks for this itself, which costs
 * 40 ms for each (94 ms instead of 5 for an exec).
 * @throws ConnectError `unreachable`
 */
export function dial(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port, noDelay: true })
    const where = `${address.host} port ${address.port}`
    const giveUp = (reason: string, isClosed = false) => {
      settle()
      socket.on('error', () => undefined)
      socket.destroy()
      const message = `${where}: ${reason}`
      reject(isClosed ? new PortClosed(message) : new ConnectError('unreachable', message))
    }
    const timer = setTimeout(() => giveUp(`no answer within ${address.timeoutMs / 1000} s`), address.timeoutMs)
    const onAbort = () => giveUp('cancelled')
    const onClose = () => giveUp('cancelled')
    const onError = (error: Error) => giveUp(socketReason(error), codeOf(error) === 'ECONNREFUSED')
    const settle = () => {
      clearTimeout(timer)
      address.signal?.removeEventListener('abort', onAbort)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
    }
    socket.once('error', onError)
    socket.once('close', onClose)
    const forget = address.connections.hold(() => letGo(socket))
    socket.once('close', forget)
    socket.once('connect', () => {
      settle()
      // Until ssh2 listens, an error must not be nobody's: it would end the process.
      socket.on('error', () => undefined)
      resolve(socket)
    })
    if (address.signal?.aborted) onAbort()
    else address.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Ends a connection without waiting for anybody: what was written may never leave, when the link is dead. */
export function letGo(socket: Socket): void {
  if (socket.connecting) return void socket.destroy()
  socket.destroySoon()
  setTimeout(() => socket.destroy(), 1000).unref()
}

export function socketReason(error: Error): string {
  const code = codeOf(error)
  return REASONS[code] ?? (firstOf(error).message || code)
}

/** Of several addresses that were tried, what the first said. */
const firstOf = (error: Error) =>
  error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error

const codeOf = (error: Error) => errorCode(firstOf(error)) ?? ''
