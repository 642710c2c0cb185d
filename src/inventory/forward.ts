import { isIPv6 } from 'node:net'
import { canonical, isLocalhost, isLoopback } from './addresses.ts'
import { show } from './messages.ts'
import type { Device, Forward } from './model.ts'
import { addressProblem, portProblem } from './names.ts'

/** The four words of `-R`, IPv6 without brackets. The bind address is as written: absent where it was left out. */
export interface ForwardWords {
  readonly bindAddress?: string
  readonly port: number
  readonly host: string
  readonly hostPort: number
}

export type ForwardReading = { readonly words: ForwardWords } | { readonly problem: string }

const SHAPE = '"[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"'

/** Reads `[bind_address:]port:host:hostport` as ssh(1) means it, leaving out its sockets, SOCKS and service names. */
export function parseForward(text: string): ForwardReading {
  if (/^-R\b/.test(text)) return { problem: 'leave out "-R": only what follows it belongs here' }
  if (text.includes('/')) return { problem: 'unix sockets and "/" are not supported here: write port:host:hostport' }
  const fields = splitFields(text)
  if (fields === undefined) {
    return { problem: `${show(text)} is not a forward: the brackets of an IPv6 address do not match; write ${SHAPE}` }
  }
  if (fields.length === 1 && /^\d+$/.test(text)) {
    return { problem: `a port alone would be a SOCKS proxy into the device's network: write ${SHAPE}` }
  }
  if (fields.length > 4) {
    return { problem: `${show(text)} has too many parts: put an IPv6 address in brackets, as in "9022:[::1]:22"` }
  }
  const [hostPort, host, port, bindAddress] = fields.toReversed()
  if (hostPort === undefined || host === undefined || port === undefined) {
    return { problem: `${show(text)} is not a forward: write ${SHAPE}` }
  }
  return check({ port, host, hostPort }, bindAddress)
}

function check(
  ends: { port: string; host: string; hostPort: string },
  bindAddress: string | undefined,
): ForwardReading {
  for (const port of [ends.port, ends.hostPort]) {
    if (!/^\d{1,9}$/.test(port)) return { problem: `${show(port)} is not a port: write a number from 1 to 65535` }
  }
  const words = {
    ...(bindAddress === undefined ? {} : { bindAddress }),
    port: Number(ends.port),
    host: ends.host,
    hostPort: Number(ends.hostPort),
  }
  const problem = wordsProblem(words)
  return problem === undefined ? { words } : { problem }
}

/** What is wrong with the words by themselves, whoever wrote them as a string or as an object. */
export function wordsProblem(words: ForwardWords): string | undefined {
  const { bindAddress } = words
  if (bindAddress !== undefined && bindAddress !== '' && bindAddress !== '*') {
    const problem = addressProblem(bindAddress)
    if (problem !== undefined) return `bind address: ${problem}`
  }
  return (
    portProblem(words.port) ??
    (words.host === '' ? 'the host is missing: "localhost" is the device itself' : addressProblem(words.host)) ??
    portProblem(words.hostPort)
  )
}

/** Splits at colons outside brackets, and takes the brackets off; undefined where they do not match. */
function splitFields(text: string): string[] | undefined {
  const fields: string[] = []
  for (let rest = text; ; ) {
    const field = /^(?:\[([^[\]]*)\]|([^:[\]]*))(:|$)/.exec(rest)
    if (field === null) return undefined
    const bracketed = field[1]
    if (bracketed !== undefined && !isIPv6(bracketed)) return undefined
    fields.push(bracketed ?? field[2] ?? '')
    if (field[3] === '') return fields
    rest = rest.slice(field[0].length)
  }
}

/**
 * The bind address as everything behind the inventory sees it. `*` and an empty one are `*`, all addresses, as in
 * ssh(1). `localhost` and none become 127.0.0.1: where somebody holds 127.0.0.1:PORT already, sshd would settle for
 * [::1]:PORT alone and call it success.
 */
export function settleBindAddress(written: string | undefined): string {
  if (written === undefined || isLocalhost(written)) return '127.0.0.1'
  return written === '' ? '*' : canonical(written)
}

/** In the words of `ssh -R`, the bind address always written out. */
export function printForward(forward: Pick<Forward, 'bindAddress' | 'port' | 'host' | 'hostPort'>): string {
  return `${printListener(forward)}:${bracket(forward.host)}:${forward.hostPort}`
}

/** Where it listens. sshd compares `permitlisten` with these words of `-R` as text, so both must be spelled here. */
export function printListener(forward: Pick<Forward, 'bindAddress' | 'port'>): string {
  return `${bracket(forward.bindAddress)}:${forward.port}`
}

/** The file name of the unix socket behind it, and part of unit names: `127.0.0.1_9022`, `__1_9024`, `any_9025`. */
export function socketName({ bindAddress, port }: Pick<Forward, 'bindAddress' | 'port'>): string {
  return `${bindAddress === '*' ? 'any' : bindAddress.replaceAll(':', '_')}_${port}`
}

function bracket(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** Does it lead to the sshd of the device itself, so that whoever comes through can log in to the device? */
export function isOwnSshd(device: Pick<Device, 'port'>, forward: Pick<Forward, 'host' | 'hostPort'>): boolean {
  return isLoopback(forward.host) && (forward.hostPort === 22 || forward.hostPort === device.port)
}

/** Where the gateway itself reaches what listens there: a forward on every address is also one on loopback. */
export function reachedOn({ bindAddress }: Pick<Forward, 'bindAddress'>): string {
  return { '*': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }[bindAddress] ?? bindAddress
}

/** The first forward on each gateway that ends at the device's own sshd. */
export function loginForwards(device: Device): Forward[] {
  const own = device.forwards.filter((forward) => isOwnSshd(device, forward))
  return own.filter((forward) => own.find(({ gateway }) => gateway === forward.gateway) === forward)
}

/** By a forward of the device, whether the inventory names it or its gateway still holds it from before. */
export const isForwardRoute = (way: string) => /^forward( on |$)|^former forward /.test(way)
