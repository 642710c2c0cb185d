import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeSSH } from 'node-ssh'
import type { Client, ClientChannel } from 'ssh2'
import { ForwardingProhibited, RemoteError } from '../../../errors.ts'
import type { HostKey } from '../../host-keys/pins.ts'
import { type Gone, hostIsSilent, type Link, lost, NoSession, type Running } from '../link.ts'
import { letGo, socketReason } from '../socket.ts'
import { byHand } from './by-hand.ts'

/** A login by node-ssh that has just succeeded. */
export interface NodeSshLogin {
  readonly ssh: NodeSSH
  readonly client: Client
  readonly key: HostKey
  readonly accepted: string | undefined
  /** Filled as they come. */
  readonly proved: readonly HostKey[]
  readonly socket: Duplex
}

export function nodeSshLink({ ssh, client, key, accepted, proved, socket }: NodeSshLogin): Link {
  let why: Gone | undefined
  client.on('error', (error) => {
    why ??= /keepalive/i.test(error.message) ? hostIsSilent : { silent: false, reason: socketReason(error) }
  })
  return {
    key,
    accepted,
    proved: () => proved,
    run(command, { stdin, onStdout, onStderr }): Running {
      let channel: ClientChannel | undefined
      let unwanted = false
      const closed = ssh.execCommand(command, {
        stdin,
        // We keep the bytes ourselves: node-ssh decodes each chunk alone, which breaks UTF-8 across two. latin1 is
        // cheap.
        encoding: 'latin1',
        noTrim: true,
        onStdout,
        onStderr,
        onChannel(opened) {
          channel = opened
          opened.on('error', () => undefined)
          opened.stderr.on('error', () => undefined)
          if (unwanted) opened.close()
        },
      })
      return {
        closed: closed.catch((error: Error) => {
          throw /open failure/i.test(error.message) ? new NoSession() : lost()
        }),
        close() {
          unwanted = true
          channel?.close()
        },
      }
    },
    ...byHand({ ssh, client }),
    channel: (address, port) => opened(`${address} port ${port}`, ssh.forwardOut('127.0.0.1', 0, address, port)),
    socketChannel: (path) => opened(path, ssh.forwardOutStreamLocal(path)),
    onGone(notify) {
      let notified = false
      const gone = () => {
        if (!notified) notify(why ?? { silent: false })
        notified = true
      }
      client.once('close', gone)
      client.once('end', gone)
    },
    hangUp: () => hangUp(client, socket),
  }
}

async function opened(where: string, asked: Promise<Duplex>): Promise<Duplex> {
  try {
    const channel = await asked
    // For ever: an error that nobody hears ends the process.
    channel.on('error', () => undefined)
    return channel
  } catch (error) {
    const far = /open failure: ?(.*)$/i.exec(error instanceof Error ? error.message : '')?.[1]
    if (far === undefined) throw lost()
    if (isProhibited(error)) throw new ForwardingProhibited(`${where}: administratively prohibited`)
    throw new RemoteError('refused', `${where}: ${far}`)
  }
}

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, 5.1): sshd's own words with it are only "open failed". */
function isProhibited(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && error.reason === 1
}

export function hangUp(client: Client, socket: Duplex): void {
  client.end()
  if (socket instanceof Socket) letGo(socket)
  else socket.destroy()
}
