import { isLoopback } from '../addresses.ts'
import type * as File from '../file.ts'
import { type ForwardWords, isOwnSshd, parseForward, settleBindAddress, wordsProblem } from '../forward.ts'
import { show, suggest } from '../messages.ts'
import type { Device, Forward } from '../model.ts'
import type { Building } from './building.ts'
import type { Path, Problems } from './problems.ts'
import type { DeepPartial } from './shape.ts'

export interface ForwardsBuilding extends Building {
  readonly device: string
  /** undefined: they cannot be known, because the gateways of the file are of the wrong shape. */
  readonly gateways: readonly string[] | undefined
  /** What each gateway says for the forwards that say nothing. */
  readonly listeners: ReadonlyMap<string, Forward['listener'] | undefined>
  readonly path: Path
}

type Choice = Pick<DeepPartial<File.ForwardObject>, 'gateway' | 'listener' | 'expose'>

export function buildForwards(
  forwards: readonly (DeepPartial<File.Forward> | undefined)[],
  building: ForwardsBuilding,
): Forward[] {
  return forwards.flatMap((entry, index) => {
    const forward =
      entry === undefined ? undefined : buildForward(entry, { ...building, path: [...building.path, index] })
    return forward === undefined ? [] : [forward]
  })
}

function buildForward(entry: DeepPartial<File.Forward>, building: ForwardsBuilding): Forward | undefined {
  const { path, problems } = building
  if (typeof entry === 'string') {
    const reading = parseForward(entry)
    if ('words' in reading) return settle(reading.words, {}, building)
    problems.add(path, reading.problem)
    return undefined
  }
  const { bindAddress, port, host, hostPort } = entry
  if (port === undefined || host === undefined || hostPort === undefined) return undefined
  if (typeof port === 'string') {
    problems.add([...path, 'port'], textPortProblem(port))
    return undefined
  }
  const bare = { port, host: unbracket(host), hostPort }
  const words = bindAddress === undefined ? bare : { ...bare, bindAddress: unbracket(bindAddress) }
  const problem = wordsProblem(words)
  if (problem === undefined) return settle(words, entry, building)
  problems.add(path, problem)
  return undefined
}

function textPortProblem(text: string): string {
  if (text.includes('{index}')) return '{index} may be used only in the settings of a group: write the port'
  const remedy = /^\d{1,5}$/.test(text) ? `: write ${text} without quotes` : ''
  return `must be a whole number, not text${remedy}`
}

function unbracket(address: string): string {
  return /^\[[^[\]]*:[^[\]]*\]$/.test(address) ? address.slice(1, -1) : address
}

function settle(words: ForwardWords, choice: Choice, building: ForwardsBuilding): Forward | undefined {
  const { path, problems, origins, device, listeners } = building
  const gateway = findGateway(words, choice.gateway, building)
  const bindAddress = settleBindAddress(words.bindAddress)
  const exposed = !isLoopback(bindAddress)
  if (exposed && choice.expose !== true) problems.add(path, exposeSentence({ ...words, bindAddress }, choice.gateway))
  const listener = choice.listener ?? listeners.get(gateway ?? '') ?? 'socket'
  if (listener === 'sshd' && words.port < 1024) {
    const why = `port ${words.port}: sshd opens ports below 1024 for root only`
    problems.add(path, `${why}; write "listener": "socket", or choose a port from 1024 on`)
  }
  if (gateway === undefined) return undefined
  const forward: Forward = {
    device,
    gateway,
    bindAddress,
    port: words.port,
    host: words.host,
    hostPort: words.hostPort,
    listener,
    expose: exposed && choice.expose === true,
  }
  origins.set(forward, { path, bindAddress: words.bindAddress === '' ? '*' : (words.bindAddress ?? '127.0.0.1') })
  return forward
}

function findGateway(words: ForwardWords, wanted: string | undefined, building: ForwardsBuilding): string | undefined {
  const { path, problems, gateways } = building
  if (gateways === undefined) return undefined
  if (gateways.length === 0) {
    problems.add(path, 'there is no gateway to listen: add one under "gateways"')
    return undefined
  }
  if (wanted !== undefined) {
    if (gateways.includes(wanted)) return wanted
    const others = `known are ${gateways.join(', ')}`
    problems.add([...path, 'gateway'], `there is no gateway ${show(wanted)}${suggest(wanted, gateways, others)}`)
    return undefined
  }
  if (gateways.length === 1) return gateways[0]
  const example = asObject({ gateway: gateways[0], ...words })
  problems.add(path, `there are several gateways: write which one listens, as in ${example}`)
  return undefined
}

function exposeSentence(words: ForwardWords, gateway: string | undefined): string {
  const example = asObject({ gateway, ...words, expose: true })
  return `other machines than the gateway could reach this port: bind to 127.0.0.1, or allow it: ${example}`
}

function asObject(parts: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(parts).filter(([, value]) => value !== undefined)
  return `{ ${pairs.map(([key, value]) => `"${key}": ${JSON.stringify(value)}`).join(', ')} }`
}

/** For a device whose `via` asks for it. By default, `forward` is a way in for the devices that have one. */
export function checkForwardRoute(device: Device, path: Path, problems: Problems): void {
  const index = device.via.indexOf('forward')
  if (index < 0 || problems.has([...path, 'forwards'])) return
  if (device.forwards.some((forward) => isOwnSshd(device, forward))) return
  const example = `"127.0.0.1:9022:localhost:${device.port ?? 22}"`
  problems.add([...path, 'via', index], `no forward leads to the device's own sshd: add one such as ${example}`)
}
