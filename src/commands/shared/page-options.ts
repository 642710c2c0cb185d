import { InventoryError } from '../../errors.ts'
import { addressAndPort, isLoopback } from '../../inventory/addresses.ts'
import { secretAt } from '../../watch/alerts/targets.ts'
import type { Listening } from '../../watch/page/server.ts'

export interface PageArguments {
  listen?: string
  expose: boolean
  token?: string
}

/** Where the page is served, and who may see it. Undefined: nowhere. @throws InventoryError */
export async function listeningOf({ listen, expose, token }: PageArguments): Promise<Listening | undefined> {
  if (listen === undefined) return undefined
  const { address, port = 0 } = addressAndPort(listen) ?? {}
  if (address === undefined || port > 65_535)
    throw new InventoryError(`--listen ${listen}: is no address and port`, 'write 127.0.0.1:8022')
  const own = address === 'localhost' || isLoopback(address)
  if (!own && !expose)
    throw new InventoryError(
      `--listen ${listen}: others than this machine could see the page`,
      'listen on 127.0.0.1 and reach it through ssh -L, or add --expose and --token',
    )
  if (!own && token === undefined)
    throw new InventoryError('--expose needs --token', 'write where a long random word is kept: env:NAME or file:PATH')
  return { address, port, token: token && (await tokenAt(token)) }
}

/** @throws InventoryError */
async function tokenAt(text: string): Promise<string> {
  const [, kind, name] = /^(env|file):(.+)$/.exec(text) ?? []
  if (name === undefined)
    throw new InventoryError('--token must not be the token itself', 'write env:NAME or file:PATH')
  const found = await secretAt(kind === 'env' ? { env: name } : { file: name }, process.env).catch((error: Error) => {
    throw new InventoryError(`--token: ${error.message}`)
  })
  if (found.length >= 16) return found
  throw new InventoryError(
    '--token: what is kept there is shorter than 16 characters',
    'make one: openssl rand -hex 16',
  )
}

/** The same words for another process. */
export const listeningWords = ({ listen, expose, token }: PageArguments): string[] => [
  ...(listen === undefined ? [] : ['--listen', listen]),
  ...(expose ? ['--expose'] : []),
  ...(token === undefined ? [] : ['--token', token]),
]
