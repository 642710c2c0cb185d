import { readFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Bridge {
  readonly port: number
  /** The first bytes that the host sent. */
  greeting(): string
  /** The host closed the connection. */
  ended(): boolean
  close(): void
}

/**
 * Leads one connection of our own ssh, from a loopback port, to a stream that this process holds. ssh ends with it, and
 * so with this process. Where the system says whose a connection is (Linux), nobody else's is taken.
 */
export async function bridge(far: Duplex): Promise<Bridge> {
  let greeting = ''
  let ended = false
  let near: Socket | undefined
  const server = createServer({ noDelay: true }, async (socket) => {
    socket.on('error', () => undefined)
    const taken = near !== undefined || far.destroyed
    if (taken || !(await isOurs(socket, port)) || near !== undefined) return void socket.destroy()
    near = socket
    server.close()
    far.on('data', (chunk: Buffer) => {
      if (greeting.length < 256) greeting += chunk.toString('latin1', 0, 256)
    })
    far.pipe(socket).pipe(far)
    socket.once('close', () => far.destroy())
  })
  far.on('error', () => undefined)
  // A channel may stay half open for ever after its far side has ended (systemd-socket-proxyd passes that on).
  far.once('end', () => {
    ended = true
    far.destroy()
  })
  far.once('close', () => near?.destroySoon())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    greeting: () => greeting,
    ended: () => ended,
    close() {
      server.close()
      near?.destroy()
      far.destroy()
    },
  }
}

/** proc(5), /proc/net/tcp: sl, local address, remote address, state, queues, timers, retransmits, uid. */
async function isOurs({ remotePort }: Socket, port: number): Promise<boolean> {
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '')
  const at = (number: number) => `[0-9A-F]{8}:${number.toString(16).toUpperCase().padStart(4, '0')}`
  // A system that does not even list our own end cannot answer this.
  if (!new RegExp(` ${at(port)} `).test(table)) return true
  const row = new RegExp(`: ${at(remotePort ?? 0)} ${at(port)} .*`).exec(table)?.[0]
  return row?.split(/\s+/)[7] === String(process.getuid?.())
}
