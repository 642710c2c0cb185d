import { canonical, overlap } from '../addresses.ts'
import { isOwnSshd, printForward } from '../forward.ts'
import { list, show, suggest } from '../messages.ts'
import { type Device, type Forward, type Gateway, hosts, type Inventory } from '../model.ts'
import type { Origin } from './building.ts'
import { admits, callersOf } from './from-patterns.ts'
import type { Path, Problems } from './problems.ts'

/** Mistakes that show only when the parts of an inventory are compared with each other. */
export function checkTogether(inventory: Inventory, origins: ReadonlyMap<Forward, Origin>, problems: Problems): void {
  checkNames(inventory, problems)
  checkFormerNames(inventory, problems)
  checkAddresses(inventory, problems)
  checkPorts(inventory, origins, problems)
  for (const device of inventory.devices) checkListeners(device, origins, problems)
  for (const gateway of inventory.gateways) checkTunnelAccount(gateway, problems)
  for (const device of inventory.devices) checkFrom(device, problems)
  if (inventory.gateways.length > 0 || !problems.has(['gateways'])) {
    for (const device of inventory.devices) checkVia(device, inventory, problems)
  }
}

function pathOf(host: Gateway | Device): Path {
  return [`${host.role}s`, host.name]
}

function checkNames(inventory: Inventory, problems: Problems): void {
  const seen = new Map<string, { name: string; path: Path }>()
  const clients = inventory.clients.map((client): [string, Path] => [client.name, ['clients', client.name]])
  for (const [name, path] of [
    ...hosts(inventory).map((host): [string, Path] => [host.name, pathOf(host)]),
    ...clients,
  ]) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) {
      const same = other.name === name ? 'is already used' : `differs only in capitals from ${show(other.name)}`
      const taken = `the name ${same} on ${problems.line(other.path)}: give each machine a name of its own`
      problems.addAtKey(path, taken)
    }
    seen.set(name.toLowerCase(), { name, path })
  }
  for (const { name } of inventory.groups) {
    const host = seen.get(name.toLowerCase())
    if (host === undefined || host.path[0] === 'clients') continue
    const taken = `${problems.line(host.path)} has a host of this name, and --limit could mean either`
    problems.addAtKey(['groups', name], `${taken}: give the group another name`)
  }
  for (const gateway of inventory.gateways) {
    if (gateway.name !== 'direct' && gateway.name !== 'forward') continue
    problems.addAtKey(pathOf(gateway), 'has a special meaning in "via": give the gateway another name')
  }
}

/** Gateways have one account, one key line and one set of ports for each name that they know. */
function checkFormerNames(inventory: Inventory, problems: Problems): void {
  const taken = new Map<string, Device>()
  for (const device of inventory.devices) {
    const { name, knownAs } = device
    const path: Path = [...pathOf(device), 'knownAs']
    if (knownAs === undefined || problems.has(path)) continue
    const own = hosts(inventory).find((other) => other.name.toLowerCase() === knownAs.toLowerCase())
    const other = taken.get(knownAs.toLowerCase())
    taken.set(knownAs.toLowerCase(), device)
    if (own?.name === name) {
      problems.add(path, 'is its own name: leave it out')
    } else if (own !== undefined) {
      const known = `gateways know ${name} by this name (its "knownAs" on ${problems.line(path)})`
      problems.addAtKey(pathOf(own), `${known}: give this machine another name, or remove ${name} first`)
    } else if (other !== undefined) {
      const both = `gateways know ${other.name} by this name, too (${problems.line([...pathOf(other), 'knownAs'])})`
      problems.add(path, `${both}: only one of the two devices can have had this name, so delete it from the other`)
    }
  }
}

function checkAddresses(inventory: Inventory, problems: Problems): void {
  const seen = new Map<string, Gateway | Device>()
  for (const host of hosts(inventory)) {
    const places = waysTo(host).map((way) => `${way} ${placeOf(host.address ?? host.name, host.port ?? 22)}`)
    const other = places.map((place) => seen.get(place)).find((each) => each !== undefined)
    for (const place of places) if (!seen.has(place)) seen.set(place, host)
    if (other !== undefined && other.name.toLowerCase() !== host.name.toLowerCase()) {
      const both = `${show(other.name)} on ${problems.line(pathOf(other))} has the same address and port`
      problems.add([...pathOf(host), 'address'], `${both}: correct one of the two, or remove it`)
    }
  }
}

/** From where its address is meant: behind two gateways the same private one is two machines. */
function waysTo(host: Gateway | Device): readonly string[] {
  return host.role === 'gateway' ? ['direct'] : host.via.filter((way) => way !== 'forward')
}

function placeOf(address: string, port: number): string {
  return `${canonical(address).toLowerCase()} ${port}`
}

function checkPorts(inventory: Inventory, origins: ReadonlyMap<Forward, Origin>, problems: Problems): void {
  const earlier: Forward[] = []
  for (const forward of inventory.devices.flatMap((device) => device.forwards)) {
    const origin = origins.get(forward)
    const rival = earlier.find((other) => {
      const written = origins.get(other)?.bindAddress ?? other.bindAddress
      const samePort = other.gateway === forward.gateway && other.port === forward.port
      return samePort && overlap(written, origin?.bindAddress ?? forward.bindAddress)
    })
    if (rival !== undefined && origin !== undefined) {
      const line = problems.line(origins.get(rival)?.path ?? [])
      const taken = `port ${forward.port} on ${forward.gateway} is taken by ${rival.device} (${printForward(rival)}, ${line})`
      problems.add(origin.path, `${taken}: choose another port`)
    }
    earlier.push(forward)
  }
}

/** They share one connection, and with it one account on the gateway. */
function checkListeners({ forwards }: Device, origins: ReadonlyMap<Forward, Origin>, problems: Problems): void {
  for (const forward of forwards) {
    const first = forwards.find(({ gateway }) => gateway === forward.gateway)
    const origin = origins.get(forward)
    if (first === undefined || origin === undefined || first.listener === forward.listener) continue
    const line = problems.line(origins.get(first)?.path ?? [])
    const other = `${printForward(first)} on ${line} has "listener": "${first.listener}"`
    problems.add(origin.path, `${other}, and all forwards of a device on one gateway must have the same: choose one`)
  }
}

function checkTunnelAccount(gateway: Gateway, problems: Problems): void {
  const { tunnelAccount } = gateway
  if (gateway.login.user === tunnelAccount) {
    const own: Path = [...pathOf(gateway), 'login', 'user']
    const sentence = `${show(tunnelAccount)} is the tunnel account of ${gateway.name}, which nobody may log in to`
    problems.add(own, `${sentence}: log in as somebody else, or choose another "tunnelAccount"`)
  }
  if (gateway.accounts.some((account) => account.name === tunnelAccount)) {
    const sentence = 'is the tunnel account of this gateway, whose keys are those of the devices: leave it out here'
    problems.addAtKey([...pathOf(gateway), 'accounts', tunnelAccount], sentence)
  }
}

/** Our own login through a forward, which proves the forward, comes from the device's own loopback. */
function checkFrom(device: Device, problems: Problems): void {
  const account = device.accounts.find(({ name }) => name === device.login.user)
  const path: Path = [...pathOf(device), 'accounts', account?.name ?? '', 'from']
  const from = account?.from
  if (from === undefined || problems.has(path)) return
  const callers = device.forwards.filter((forward) => isOwnSshd(device, forward)).flatMap(({ host }) => callersOf(host))
  const missing = [...new Set(callers)].filter((address) => !admits(from, address))
  if (missing.length === 0) return
  const sentence = `would refuse your own login through the device's forward, which comes from ${list(missing, 'or')}`
  problems.add(path, `${sentence}: add ${list(missing.map(show))}`)
}

function checkVia(device: Device, inventory: Inventory, problems: Problems): void {
  const gateways = inventory.gateways.map((gateway) => gateway.name)
  const known = [...new Set(['direct', 'forward', ...gateways])]
  if (problems.has([...pathOf(device), 'via'])) return
  for (const [index, way] of device.via.entries()) {
    if (known.includes(way)) continue
    const others = `write ${list(
      known.map((word) => `"${word}"`),
      'or',
    )}`
    problems.add(
      [...pathOf(device), 'via', index],
      `there is no route named ${show(way)}${suggest(way, known, others)}`,
    )
  }
}
