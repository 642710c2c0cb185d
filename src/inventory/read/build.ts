import type * as File from '../file.ts'
import type { Account, Client, Device, Gateway, Host, Inventory, Login } from '../model.ts'
import { accountProblem, addressProblem, hostNameProblem, loginUserProblem } from '../names.ts'
import { readAccounts } from './accounts.ts'
import { buildAlerts, buildWatch } from './alerts.ts'
import { buildForwards, checkForwardRoute, type ForwardsBuilding } from './build-forwards.ts'
import type { Building } from './building.ts'
import { readHostKey } from './keys.ts'
import { absolute, checkPath } from './paths.ts'
import { readPorts } from './ports.ts'
import type { Path, Problems } from './problems.ts'
import type { DeepPartial } from './shape.ts'
import { buildWifi } from './wifi.ts'

/** Writes out every default, and says what is wrong with each value by itself. What is wrong stays out. */
export function build(file: DeepPartial<File.InventoryFile>, building: Building): Omit<Inventory, 'groups'> {
  const common: Common = {
    login: buildLogin(file.login, ['login'], building),
    profile: file.profile ?? 'compatible',
    passwordLogin: file.passwordLogin ?? true,
  }
  const gateways = Object.entries(file.gateways ?? {}).map(([name, gateway]) => {
    return buildGateway(name, gateway ?? {}, { ...building, common })
  })
  const names = file.gateways === undefined && 'gateways' in file ? undefined : gateways.map((gateway) => gateway.name)
  const listeners = new Map(Object.entries(file.gateways ?? {}).map(([name, gateway]) => [name, gateway?.listener]))
  const devices = Object.entries(file.devices ?? {}).map(([name, device]) => {
    const wanted = { recoverWithin: file.recoverWithin, ...present(device ?? {}) }
    return buildDevice(name, wanted, { ...building, common, gateways: names, listeners })
  })
  const clients = Object.entries(file.clients ?? {}).map(([name, client]) => buildClient(name, client ?? {}, building))
  return {
    file: building.around.file,
    directory: building.around.directory,
    ...present({ id: file.id, watch: buildWatch(file.watch, ['watch'], building) }),
    ...(file.alerts && { alerts: buildAlerts(file.alerts, file, building) }),
    gateways,
    devices,
    clients,
  }
}

interface HostBuilding extends Building {
  /** The settings at the top of the file, for every host. */
  readonly common: Common
}

type Common = { readonly login: Partial<Login> } & Pick<Host, 'profile' | 'passwordLogin'>

function buildGateway(name: string, gateway: DeepPartial<File.Gateway>, building: HostBuilding): Gateway {
  const { problems } = building
  const path = ['gateways', name]
  const host = buildHost(name, gateway, { ...building, path })
  const tunnelAccount = gateway.tunnelAccount ?? 'tunnel'
  const rootProblem =
    tunnelAccount === 'root' ? 'must not be root: a stolen device key would own the gateway' : undefined
  report(problems, [...path, 'tunnelAccount'], rootProblem ?? accountProblem(tunnelAccount))
  const address = gateway.dial?.address
  if (address !== undefined) report(problems, [...path, 'dial', 'address'], addressProblem(address))
  const ports = gateway.ports === undefined ? undefined : readPorts(gateway.ports)
  if (ports !== undefined && 'problem' in ports) problems.add([...path, 'ports'], ports.problem)
  return {
    role: 'gateway',
    ...host,
    ...(ports !== undefined && 'range' in ports && { ports: ports.range }),
    dial: { address: address ?? host.address ?? name, port: gateway.dial?.port ?? host.port ?? 22 },
    tunnelAccount,
  }
}

function buildDevice(
  name: string,
  device: DeepPartial<File.Device>,
  building: HostBuilding & Pick<ForwardsBuilding, 'gateways' | 'listeners'>,
): Device {
  const path = ['devices', name]
  const host = buildHost(name, device, { ...building, path })
  const forwards = buildForwards(device.forwards ?? [], { ...building, device: name, path: [...path, 'forwards'] })
  const built: Device = {
    role: 'device',
    ...host,
    forwards,
    via: device.via?.filter((way) => way !== undefined) ?? ['direct', 'forward'],
    supervisor: device.supervisor ?? 'systemd',
    ...present({
      knownAs: device.knownAs,
      recoverWithin: device.recoverWithin,
      wifi: buildWifi(device.wifi, [...path, 'wifi'], building),
    }),
  }
  if (device.knownAs !== undefined) report(building.problems, [...path, 'knownAs'], hostNameProblem(device.knownAs))
  if (device.via !== undefined) checkForwardRoute(built, path, building.problems)
  return built
}

function buildHost(
  name: string,
  host: DeepPartial<Pick<File.Gateway, keyof File.Gateway & keyof File.Device>>,
  building: HostBuilding & { readonly path: Path },
) {
  const { path, problems, common } = building
  problemAtKey(problems, path, hostNameProblem(name))
  if (host.address !== undefined) report(problems, [...path, 'address'], addressProblem(host.address))
  return {
    name,
    ...present({ address: host.address, port: host.port }),
    hostKeys: buildHostKeys(host.hostKeys ?? [], [...path, 'hostKeys'], problems),
    login: { sudo: true, ...common.login, ...buildLogin(host.login, [...path, 'login'], building) },
    accounts: buildAccounts(host.accounts ?? {}, [...path, 'accounts'], building),
    profile: host.profile ?? common.profile,
    passwordLogin: host.passwordLogin ?? common.passwordLogin,
  }
}

function buildHostKeys(keys: DeepPartial<File.HostKeys>, path: Path, problems: Problems): string[] {
  return keys.flatMap((text, index) => {
    if (text === undefined) return []
    const reading = readHostKey(text)
    if ('key' in reading) return [reading.key]
    problems.add([...path, index], reading.problem)
    return []
  })
}

function buildLogin(login: DeepPartial<File.Login> | undefined, path: Path, building: Building): Partial<Login> {
  const { problems, around } = building
  const { user, identityFile, sudo, transport } = login ?? {}
  if (user !== undefined) report(problems, [...path, 'user'], loginUserProblem(user))
  const fits = identityFile !== undefined && checkPath(identityFile, [...path, 'identityFile'], problems)
  return present({ user, identityFile: fits ? absolute(identityFile, around) : undefined, sudo, transport })
}

function buildAccounts(accounts: DeepPartial<File.Accounts>, path: Path, building: Building): Account[] {
  return Object.entries(accounts).map(([name, account]) => {
    problemAtKey(building.problems, [...path, name], accountProblem(name))
    return readAccounts(name, account ?? {}, { ...building, path: [...path, name] })
  })
}

/** The identity file of a client lies on the client, where this machine's folders mean nothing. */
function buildClient(name: string, client: DeepPartial<File.Client>, { problems }: Building): Client {
  const path = ['clients', name]
  problemAtKey(problems, path, hostNameProblem(name))
  if (client.user !== undefined) report(problems, [...path, 'user'], loginUserProblem(client.user))
  const { identityFile } = client
  if (identityFile !== undefined && checkPath(identityFile, [...path, 'identityFile'], problems)) {
    const anchored = /^(~\/|\/)/.test(identityFile)
    report(problems, [...path, 'identityFile'], anchored ? undefined : 'is a path on the client: begin it with / or ~/')
  }
  return { name, ...present({ user: client.user, identityFile, port: client.port }) }
}

function report(problems: Problems, path: Path, sentence: string | undefined): void {
  if (sentence !== undefined) problems.add(path, sentence)
}

function problemAtKey(problems: Problems, path: Path, sentence: string | undefined): void {
  if (sentence !== undefined) problems.addAtKey(path, sentence)
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the keys that hold nothing. */
function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>
}
