import { isIPv4, isIPv6 } from 'node:net'

/** One spelling for one address: `0:0:0:0:0:0:0:1` is `::1`. Names and IPv4 addresses stay as they are. */
export function canonical(address: string): string {
  return isIPv6(address) && !address.includes('%') ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address
}

/**
 * `gw.lan:2222`, `[::1]:22`: what stands before the last colon and after it. An address that has colons itself is in
 * brackets. undefined: there are no two such parts.
 */
export function splitPort(text: string): readonly [address: string, port: string] | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^[\]\s]+)\]|([^:[\]\s]+)):([^:[\]\s]+)$/.exec(text) ?? []
  const address = bracketed ?? plain
  return address === undefined || port === undefined ? undefined : [address, port]
}

/** The same with a number for a port, whatever that is. */
export function addressAndPort(text: string): { readonly address: string; readonly port: number } | undefined {
  const [address, port = ''] = splitPort(text) ?? []
  return address !== undefined && /^\d+$/.test(port) ? { address, port: Number(port) } : undefined
}

export function isLoopback(address: string): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || canonical(address) === '::1' || isLocalhost(address)
}

export function isLocalhost(address: string): boolean {
  return address.toLowerCase() === 'localhost'
}

/** Would a port on the one be taken by the same port on the other? Of the words as the user wrote them. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map((address) => canonical(address).toLowerCase())
  if (a === undefined || b === undefined) return false
  return a === b || isEverywhere(a) || isEverywhere(b) || localhostIs(a, b) || localhostIs(b, a)
}

function isEverywhere(address: string): boolean {
  return address === '*' || address === '0.0.0.0' || address === '::'
}

function localhostIs(a: string, b: string): boolean {
  return a === 'localhost' && (b === '127.0.0.1' || b === '::1')
}
