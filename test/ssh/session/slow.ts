import { connect, createServer, type Socket } from 'node:net'

export interface SlowLink {
  readonly port: number
  close(): void
}

/** A port that leads to another one, and takes its time for every byte, either way. */
export async function slowLink(to: number, ms: number): Promise<SlowLink> {
  const open = new Set<Socket>()
  const late = (work: () => void) => void setTimeout(work, ms).unref()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      from.on('error', () => undefined)
      from.on('data', (chunk) => late(() => into.write(chunk)))
      from.on('close', () => {
        open.delete(from)
        late(() => into.destroy())
      })
    }
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
