import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { NodeSSH } from 'node-ssh'
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2'
import { errorCode } from '../../../files/atomic.ts'
import { type Closed, type Link, type LocalTerminal, lost, NoSession, sftpRefused } from '../link.ts'

/** What people do by hand: open streams, a terminal, files. */
export function byHand({
  ssh,
  client,
}: {
  readonly ssh: NodeSSH
  readonly client: Client
}): Pick<Link, 'open' | 'terminal' | 'put' | 'get'> {
  return {
    // Not node-ssh's execCommand: that keeps all that it has heard.
    async open(command) {
      const channel = await opened((take) => client.exec(command, take))
      channel.stderr.on('error', () => undefined)
      return {
        stdin: channel,
        stdout: channel,
        stderr: channel.stderr,
        closed: closedOf(channel),
        close: () => channel.close(),
      }
    },
    async terminal(command, here) {
      const { columns: cols, rows } = here.stdout
      const pty = { term: process.env.TERM ?? 'vt100', cols, rows }
      const channel = await opened((take) =>
        command === undefined ? client.shell(pty, take) : client.exec(command, { pty }, take),
      )
      return inTerminal(channel, here)
    },
    put: (local, remote) => withSftp(ssh, (sftp) => done((end) => sftp.fastPut(local, remote, end))),
    get: (remote, local) =>
      withSftp(ssh, async (sftp) => {
        const { size } = await done<{ size: number }>((end) => sftp.stat(remote, end))
        // Files of the kernel (proc(5)) have no size, and something in them.
        if (size === 0) await pipeline(sftp.createReadStream(remote), createWriteStream(local))
        else await done((end) => sftp.fastGet(remote, local, end))
      }),
  }
}

async function opened(
  ask: (take: (error: Error | undefined, channel: ClientChannel) => void) => void,
): Promise<ClientChannel> {
  try {
    const channel = await done<ClientChannel>(ask)
    channel.on('error', () => undefined)
    return channel
  } catch (error) {
    throw isOpenFailure(error) ? new NoSession() : lost()
  }
}

const isOpenFailure = (error: unknown) => error instanceof Error && /open failure/i.test(error.message)

function closedOf(channel: ClientChannel): Promise<Closed> {
  return new Promise((resolve) => {
    let how: Closed = { code: null, signal: null }
    channel.once('exit', (code: number | null, signal?: string) => {
      how = { code, signal: signal ?? null }
    })
    channel.once('close', () => resolve(how))
  })
}

/** The terminal passes each key on as it is, and afterwards is what it was. */
async function inTerminal(channel: ClientChannel, { stdin, stdout }: LocalTerminal): Promise<Closed> {
  const resize = () => channel.setWindow(stdout.rows, stdout.columns, 0, 0)
  const wasRaw = stdin.isRaw
  stdin.setRawMode(true)
  stdout.on('resize', resize)
  stdin.pipe(channel)
  channel.pipe(stdout, { end: false })
  try {
    return await closedOf(channel)
  } finally {
    stdin.unpipe(channel).pause()
    stdout.off('resize', resize)
    stdin.setRawMode(wasRaw)
  }
}

async function withSftp(ssh: NodeSSH, work: (sftp: SFTPWrapper) => Promise<unknown>): Promise<void> {
  const sftp = await ssh.requestSFTP().catch(() => {
    throw sftpRefused('it is not there')
  })
  try {
    await work(sftp)
  } catch (error) {
    // What happened here, on our own disk, has a code in words.
    if (errorCode(error) !== undefined || !(error instanceof Error)) throw error
    throw sftpRefused(error.message)
  } finally {
    sftp.end()
  }
}

function done<T>(ask: (end: (error?: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
