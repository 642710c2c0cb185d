import { createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { InventoryError, ProvisionError, RemoteError } from '../errors.ts'
import { errorCode } from '../files/atomic.ts'
import type { FullSession } from '../ssh/session/session.ts'

export interface LocalPort {
  readonly port: number
  close(): void
}

/**
 * A port on this machine, for this machine alone, behind which is whatever `connect` connects to. `port` 0: a free one.
 * @throws InventoryError for a port that somebody has
 */
export async function localPort(
  connect: () => Promise<Duplex>,
  { port, failed }: { readonly port: number; readonly failed: (error: ProvisionError) => void },
): Promise<LocalPort> {
  const open = new Set<Duplex>()
  const server = createServer({ noDelay: true }, async (near) => {
    open.add(near)
    near.on('error', () => undefined)
    try {
      const far = await connect()
      if (near.destroyed) return void far.destroy()
      open.add(far)
      near.once('close', () => far.destroy())
      far.once('close', () => {
        open.delete(far)
        near.destroySoon()
      })
      near.pipe(far).pipe(near)
    } catch (error) {
      near.destroy()
      if (!(error instanceof ProvisionError)) throw error
      failed(error)
    } finally {
      near.once('close', () => open.delete(near))
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  }).catch((error: unknown) => {
    throw new InventoryError(
      `port ${port} of this machine cannot be opened (${errorCode(error) ?? error})`,
      'leave out --port, and a free one is taken',
    )
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close() {
      server.close()
      for (const stream of open) stream.destroy()
    },
  }
}

/** Connections through a session that is opened anew, once, where it was lost since. */
export function throughSession(login: () => Promise<FullSession>) {
  let session: Promise<FullSession> | undefined
  return async (host: string, port: number): Promise<Duplex> => {
    const kept = session
    session ??= login()
    try {
      return await (await session).forward(host, port)
    } catch (error) {
      const isLost = !(error instanceof RemoteError) || error.kind === 'lost'
      if (isLost) session = undefined
      if (!isLost || kept === undefined) throw error
      session = login()
      return (await session).forward(host, port)
    }
  }
}
