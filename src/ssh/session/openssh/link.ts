import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex, PassThrough } from 'node:stream'
import { ForwardingProhibited, RemoteError } from '../../../errors.ts'
import { parseKnownLine } from '../../host-keys/known-hosts.ts'
import type { HostKey } from '../../host-keys/pins.ts'
import { printable } from '../end-mark.ts'
import { type Link, lost, NoSession, type Running, sftpRefused } from '../link.ts'
import type { Log } from './log.ts'
import { batch } from './sftp.ts'
import { type Process, sftp, ssh, sshInTerminal } from './ssh.ts'

/** A master of a control socket that has just logged in. */
export interface Master {
  readonly name: string
  readonly key: HostKey
  /** Where its control socket and its files are. */
  readonly folder: string
  readonly log: Log
  readonly gone: Promise<unknown>
  /** Ends it, and takes its folder away. */
  readonly stop: () => Promise<void>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How long the master's log may be behind what its client has heard. */
const LOG_GRACE_MS = 1000

export function opensshLink({ name, key, folder, log, gone, stop, env }: Master): Link {
  let alive = true
  const clients = new Set<Process>()
  const stopAll = () => {
    for (const client of clients) client.kill()
    return stop()
  }
  gone.then(() => {
    alive = false
    return stopAll()
  })
  const config = ['-F', join(folder, 'client')]
  const held = (client: Process) => {
    clients.add(client)
    client.ended.then(() => clients.delete(client))
    return client
  }
  const through = (options: readonly string[], command: readonly string[] = []) =>
    held(ssh([...config, '-T', ...options, '--', name, ...command], env))
  let proved: readonly HostKey[] = []
  // ssh has put there what the host has proved since, and taken out what it serves no more.
  const look = () => {
    if (alive && log.hasHostKeys()) proved = keysIn(join(folder, 'known_hosts'))
  }

  return {
    key,
    accepted: log.accepted(),
    proved() {
      look()
      return proved
    },
    run(command, { stdin, onStdout, onStderr }): Running {
      const client = through([], [command])
      let tail = ''
      client.stdout.on('data', onStdout)
      client.stderr.on('data', (chunk: Buffer) => {
        tail = (tail + chunk.toString('latin1')).slice(-2048)
        onStderr(chunk)
      })
      client.stdin.end(stdin)
      const closed = client.ended.then((code) => {
        look()
        // ssh's own exit code where it could do nothing, and where the script was killed.
        if (code !== 255) return { code, signal: null }
        if (alive && /session request failed: Session open refused/.test(tail)) throw new NoSession()
        return { code: null, signal: null }
      })
      return { closed, close: client.kill }
    },
    async open(command) {
      const { stdin, stdout, stderr, ended, kill } = through([], [command])
      const closed = ended.then((code) => ({ code: code === 255 ? null : code, signal: null }))
      // From the first byte on: zx reads it from then on, too.
      const [out, errors] = [stdout.pipe(new PassThrough()), stderr.pipe(new PassThrough())]
      return { stdin, stdout: out, stderr: errors, closed, close: kill }
    },
    async terminal(command) {
      const code = await sshInTerminal([...config, '-t', '--', name, ...(command === undefined ? [] : [command])], env)
      return { code: code === 255 && !alive ? null : code, signal: null }
    },
    put: (local, remote) => transfer('put', local, remote),
    get: (remote, local) => transfer('get', remote, local),
    async channel(address, port) {
      const target = `${address.includes(':') ? `[${address}]` : address}:${port}`
      const client = through(['-v', '-W', target])
      const channel = channelOf(client)
      const opened = await new Promise<boolean>((resolve) => {
        let output = ''
        client.stderr.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString('latin1')).slice(-2048)
          if (output.includes('master session id')) resolve(true)
        })
        client.ended.then(() => resolve(false))
      })
      if (opened) return channel
      const why = await refusal(`${address}:${port}`)
      if (why === undefined) throw lost()
      const message = `${address} port ${port}: ${why}`
      throw /prohibited/.test(why) ? new ForwardingProhibited(message) : new RemoteError('refused', message)
    },
    onGone: (notify) => void gone.then(() => notify(log.gone())),
    hangUp: () => void stopAll(),
  }

  async function transfer(how: 'put' | 'get', from: string, to: string): Promise<void> {
    const client = held(sftp([...config, '-q', '-b', '-', '--', name], env))
    let output = ''
    client.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-2048)
    })
    client.stdin.end(batch(how, from, to))
    if ((await client.ended) === 0) return
    throw alive ? sftpRefused(printable(output)) : lost()
  }

  /** Undefined: the connection is gone. */
  async function refusal(target: string): Promise<string | undefined> {
    const deadline = performance.now() + LOG_GRACE_MS
    for (;;) {
      const why = log.refusal(target)
      if (why !== undefined || !alive || performance.now() > deadline) return why ?? (alive ? 'open failed' : undefined)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** What goes in at one end of a process and comes out at the other; gone, when the process is. */
function channelOf({ stdin: writable, stdout, kill }: Process): Duplex {
  // From the first byte on: zx reads it from then on, too.
  const readable = stdout.pipe(new PassThrough())
  const channel = Duplex.from({ readable, writable })
  channel.on('error', () => undefined)
  channel.once('close', kill)
  return channel
}

function keysIn(file: string): readonly HostKey[] {
  try {
    return readFileSync(file, 'latin1')
      .split('\n')
      .flatMap((line) => parseKnownLine(line)?.key ?? [])
  } catch {
    return []
  }
}
