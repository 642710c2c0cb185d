import { isIP } from 'node:net'
import { InventoryError } from '../errors.ts'

/** What is to be opened: a port of the device itself, or of a machine that the device can reach. */
export interface Page {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Reads `NAME`, `NAME:PORT` and `NAME:HOST:PORT`. @throws InventoryError */
export function parsePage(text: string): Page {
  const [, name, host = '', port = '80'] = /^([^:]+)(?::(\[[^\]]+\]|[^:[\]]+)(?=:\d+$))?(?::(\d+))?$/.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const isAddress = host === bare || isIP(bare) === 6
  const number = Number(port)
  if (name === undefined || !isAddress || number < 1 || number > 65_535)
    throw new InventoryError(
      `${text}: expected NAME, NAME:PORT or NAME:HOST:PORT`,
      'such as pi1, pi1:8080, pi1:192.168.1.20:80 or pi1:[fd00::20]:80',
    )
  return { name, host: bare || 'localhost', port: number }
}

/** Pages that only speak TLS, by what is usual. */
export const schemeOf = ({ port }: Pick<Page, 'port'>): 'http' | 'https' =>
  port === 443 || port === 8443 ? 'https' : 'http'
