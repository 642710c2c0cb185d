import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { fields } from '../../host-keys/signed.ts'
import { type AgentKey, kinds, message, messages, parseKeys, printKeys } from '../agent-messages.ts'
import type { Identity } from '../identity.ts'
import { signedByFile } from './sign.ts'

export interface AgentProxy {
  /** ssh has come to its login: the key exchange is over, and the host has proved the key that is pinned. */
  readonly asked: () => boolean
  close(): void
}

type Keys = Pick<Identity, 'agent' | 'offers'>

/**
 * The agent that ssh is given, behind a socket of ours. ssh offers what an agent holds before all files, in the agent's
 * order, and many hosts take few: so this one shows what we would offer, keys of files too, in our order. What the
 * user's own agent holds is signed there. ssh asks it when its login begins and not before, which is more than its log
 * can prove.
 */
export async function agentProxy(path: string, keys: Keys | undefined): Promise<AgentProxy> {
  let asked = false
  const server = createServer((socket) => {
    asked = true
    socket.on('error', () => undefined)
    if (keys === undefined) return void socket.destroy()
    const real = keys.agent === undefined ? undefined : connect(keys.agent)
    real?.on('error', () => undefined)
    socket.on('close', () => real?.destroy())
    answer(socket, { keys, ask: real && askOf(real) }).catch(() => socket.destroy())
  })
  server.listen(path)
  await once(server, 'listening')
  return { asked: () => asked, close: () => void server.close() }
}

/** Sends a message to the user's own agent: its answer, or undefined where it has hung up. */
type Ask = (request: Buffer) => Promise<Buffer | undefined>

function askOf(real: Socket): Ask {
  const answers = messages(real)
  return async (request) => {
    real.write(request)
    return (await answers.next().catch(() => undefined))?.value
  }
}

/** ssh waits for each answer before it asks more. */
async function answer(socket: Socket, { keys, ask }: { readonly keys: Keys; readonly ask: Ask | undefined }) {
  for await (const request of messages(socket)) {
    const reply = (request[4] === kinds.sign ? signedByFile(request, keys.offers) : undefined) ?? (await ask?.(request))
    if (request[4] === kinds.list) socket.write(printKeys(inOurOrder(keys, reply)))
    else socket.write(reply ?? message(kinds.failure))
  }
}

/** The likeliest key first; then what ssh alone can use of the agent, our other keys, and whatever else it holds. */
function inOurOrder({ offers }: Keys, reply: Buffer | undefined): AgentKey[] {
  const [first = [], ...others] = offers.map(({ key, label }) => [{ blob: key.getPublicSSH(), comment: label }])
  const theirs = reply === undefined ? [] : parseKeys(reply)
  const rest = theirs.filter(({ blob }) => !offers.some(({ key }) => key.getPublicSSH().equals(blob)))
  const isForeign = ({ blob }: AgentKey) => /^sk-|-cert-v0/.test(String(fields(blob)[0]))
  return [...first, ...rest.filter(isForeign), ...others.flat(), ...rest.filter((key) => !isForeign(key))]
}
