import { BlockList, isIP, isIPv4 } from 'node:net'
import { globToRegExp } from '../../files/glob.ts'
import { canonical, isLocalhost } from '../addresses.ts'
import { show } from '../messages.ts'

/** Where keys may come from, as sshd reads it after `from=` (ssh_config(5), PATTERNS, and CIDR notation). */

/** What is wrong with one entry. sshd itself would take such a key from nowhere, and say so in its log alone. */
export function fromProblem(entry: string): string | undefined {
  const bare = entry.replace(/^!/, '')
  const [address = '', length] = bare.split('/')
  if (length !== undefined) return networkProblem(bare, address, length)
  if (/[*?]/.test(bare) && /^[0-9a-f.:*?]+$/i.test(bare)) return undefined
  if (isIP(bare) && !bare.includes('%')) return undefined
  return /[g-z]/i.test(bare) && /^[a-z0-9.*?_-]+$/i.test(bare)
    ? 'is a name, and sshd looks up no names (UseDNS no): write an address or a network instead'
    : 'is not an address: write one such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, or a pattern such as 192.0.2.*'
}

function networkProblem(network: string, address: string, length: string): string | undefined {
  const most = isIPv4(address) ? 32 : 128
  if (!isIP(address) || !/^\d{1,3}$/.test(length) || Number(length) > most) {
    return 'is not a network: write one such as 10.0.0.0/8 or 2001:db8::/32'
  }
  const ones = bits(address).slice(Number(length))
  return ones.includes('1')
    ? `${show(network)} has bits set after its prefix, which sshd refuses: write the network address`
    : undefined
}

/** Would sshd take a key with this `from=` from this address? */
export function admits(from: readonly string[], address: string): boolean {
  const hits = from.filter((entry) => matches(entry.replace(/^!/, ''), address))
  return hits.length > 0 && !hits.some((entry) => entry.startsWith('!'))
}

function matches(pattern: string, address: string): boolean {
  const [network = '', length] = pattern.split('/')
  if (length === undefined) return globToRegExp(canonical(pattern), { ignoreCase: true }).test(address)
  const family = isIPv4(network) ? 'ipv4' : 'ipv6'
  if (family !== (isIPv4(address) ? 'ipv4' : 'ipv6')) return false
  const block = new BlockList()
  block.addSubnet(network, Number(length), family)
  return block.check(address, family)
}

/** The addresses from which a device's sshd sees those who come through a forward to this host of its own. */
export function callersOf(host: string): readonly string[] {
  if (isLocalhost(host)) return ['127.0.0.1', '::1']
  return isIPv4(host) ? ['127.0.0.1'] : ['::1']
}

function bits(address: string): string {
  if (isIPv4(address))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  const [head = '', tail = ''] = canonical(address).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0')
  const all = [...groups(head), ...zeros, ...groups(tail)]
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}
