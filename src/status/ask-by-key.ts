import type { Duplex } from 'node:stream'
import { RemoteError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import type { Session } from '../ssh/session/session.ts'
import { lookAccount, lookSocket } from '../tunnel/names.ts'
import type { AskGateway } from './gateway-sessions.ts'

/** The same inventory, whose gateways are logged in to with a key that can only look. */
export function lookingWith(
  identityFile: string,
  { id, ...inventory }: Inventory & { readonly id: string },
): Inventory {
  const login = { user: lookAccount(id), identityFile, sudo: false, transport: 'node-ssh' } as const
  return { ...inventory, id, gateways: inventory.gateways.map((gateway) => ({ ...gateway, login })) }
}

/** Asks at the socket, which is all that such a key reaches beside the forwards. */
export const askByKey: AskGateway = async (session, { endpoints, news, timeoutMs }) => {
  const channel = await session.forwardToSocket(lookSocket)
  const rows = endpoints.map(({ account, place }) => `${account}=${place}`)
  channel.write(`${[`${news?.since ?? '-'} ${news?.seconds ?? 0}`, ...rows, 'end'].join('\n')}\n`)
  const text = await all(channel, session, timeoutMs)
  // What is cut short says nothing about what it does not mention.
  if (/^end$/m.test(text)) return text
  throw new RemoteError(
    'output',
    'the program that looks there ended before its time',
    'see its journal on the gateway',
  )
}

const mostBytes = 16 * 1024 * 1024

function all(channel: Duplex, { host }: Pick<Session, 'host'>, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => {
      channel.destroy()
      reject(new RemoteError('timeout', `${host}: no answer within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    channel.on('data', (part: Buffer) => {
      parts.push(part)
      bytes += part.length
      if (bytes > mostBytes) channel.destroy()
    })
    channel.once('end', () => channel.destroy())
    channel.once('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(parts).toString())
    })
  })
}
