import { connect, createServer } from 'node:net'

export interface AgentProxy {
  /** ssh has come to its login: the key exchange is over, and the host has proved the key that is pinned. */
  readonly asked: () => boolean
  close(): void
}

/**
 * The agent that ssh is given: the user's own, or none, behind a socket of ours. ssh asks it when its login begins and
 * not before, which is more than its log can prove.
 */
export async function agentProxy(path: string, agent: string | undefined): Promise<AgentProxy> {
  let asked = false
  const server = createServer((socket) => {
    asked = true
    socket.on('error', () => undefined)
    if (agent === undefined) return void socket.destroy()
    const real = connect(agent)
    real.on('error', () => socket.destroy())
    socket.on('close', () => real.destroy())
    socket.pipe(real).pipe(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return { asked: () => asked, close: () => void server.close() }
}
