import { isLoopback } from '../inventory/addresses.ts'
import { type ForwardWords, parseForward, printForward, settleBindAddress } from '../inventory/forward.ts'
import { jumpOfCommand } from '../ssh/user-config/proxy-command.ts'
import { expandTokens, hostTokens } from '../ssh/user-config/user-config.ts'
import type { WrittenOptions } from './config-answers.ts'
import { type PlacedLine, placesOfOption } from './config-names.ts'
import type { Dialled, FoundHost } from './found.ts'
import type { Leftovers } from './leftovers.ts'
import { printLine } from './print.ts'

export interface ConfigHostReading {
  readonly lines: readonly PlacedLine[]
  readonly left: Leftovers
  /** The device that has the file; absent: nobody knows who dials. */
  readonly device?: string | undefined
  /** The ports that it opens. */
  readonly dials: Dialled[]
}

/** Imported here, or replaced by our own pins. */
const READ = new Set([
  ...[
    'host',
    'hostname',
    'port',
    'user',
    'identityfile',
    'identitiesonly',
    'proxyjump',
    'proxycommand',
    'remoteforward',
  ],
  ...['hostkeyalias', 'userknownhostsfile', 'globalknownhostsfile', 'stricthostkeychecking', 'checkhostip'],
  ...['hashknownhosts', 'updatehostkeys'],
])

/** What ssh says of a name, as a host. */
export function configHost(name: string, written: WrittenOptions, reading: ConfigHostReading): FoundHost {
  const { lines, left, device, dials } = reading
  const tell = (what: string, option: string, value = 0) => {
    const places = placesOfOption(lines, name, option)
    left.add(what, name, places[value] ?? places[0])
  }
  const one = (key: string) => written.get(key)?.[0]
  const command = one('proxycommand')
  const jump = command === undefined || command === 'none' ? undefined : jumpOfCommand(command)
  if (command !== undefined && command !== 'none' && jump === undefined)
    tell('a ProxyCommand other than ssh -W', 'proxycommand')
  for (const option of jump?.besides ?? []) tell(`the option ${option} of its ProxyCommand`, 'proxycommand')
  const forwards = (written.get('remoteforward') ?? []).map(remoteForward)
  for (const [at, { advice, words }] of forwards.entries()) {
    if (words === undefined || device === undefined) tell(advice, 'remoteforward', at)
    else dials.push({ ...words, gateway: name })
  }
  for (const key of written.keys()) if (!READ.has(key)) tell(`the option ${key}`, key)
  const [address, port] = [jump?.to?.address ?? one('hostname'), jump?.to?.port ?? Number(one('port') ?? 22)]
  const user = one('user')
  const tokens = hostTokens(name, { hostname: one('hostname') ?? name, port: one('port') ?? 22, user })
  const [identityFile, ...others] = (written.get('identityfile') ?? [])
    .filter((file) => file !== 'none')
    .map((file) => expandTokens(file, { ...tokens, d: '~' }))
  for (const [at, file] of others.entries()) tell(`a further IdentityFile, ${file}`, 'identityfile', at + 1)
  const isPlain = identityFile !== undefined && !identityFile.includes('%')
  if (identityFile !== undefined && !isPlain)
    tell(`the IdentityFile ${identityFile} depends on who runs ssh: write a path`, 'identityfile')
  const jumps = one('proxyjump')
  return {
    name,
    ...(address !== undefined && address.toLowerCase() !== name.toLowerCase() && { address }),
    ...(port !== 22 && { port }),
    ...(user !== undefined && { user }),
    ...(isPlain && { identityFile }),
    jumps: jumps !== undefined && jumps !== 'none' ? jumps.split(',').map((hop) => hop.trim()) : (jump?.jumps ?? []),
    ...(forwards.some(({ words }) => words !== undefined) && { opened: true }),
  }
}

/** As `ssh -G` prints it: `9022 [localhost]:22`. It is the line of the device that dials. */
function remoteForward(value: string): { readonly advice: string; readonly words?: ForwardWords } {
  const isSocks = /^\S+ \[socks\]:0$/.test(value)
  const written = (isSocks ? value.replace(/ .*$/, '') : value.replace(' ', ':')).replaceAll(/\[([^\]:]*)\]/g, '$1')
  const reading = parseForward(written)
  if (isSocks || 'problem' in reading) {
    const why = isSocks || 'words' in reading ? SOCKS : reading.problem
    return { advice: `RemoteForward ${written} cannot be a forward in an inventory: ${why}` }
  }
  const advice = `RemoteForward opens a port on this host: write ${forwardAdvice(reading.words)} as a forward of the device that has this line`
  return { advice, words: reading.words }
}

const SOCKS = "a port alone is a SOCKS proxy into the device's network"

/** As an inventory has it: what others may reach is an object that says so. */
function forwardAdvice({ bindAddress, ...words }: ForwardWords): string {
  const bound = settleBindAddress(bindAddress)
  if (isLoopback(bound)) return JSON.stringify(printForward({ bindAddress: bound, ...words }))
  return printLine({ bindAddress: bound, ...words, expose: true })
}
