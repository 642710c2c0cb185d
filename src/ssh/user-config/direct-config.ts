import { basename, join } from 'node:path'
import type { Inventory } from '../../inventory/model.ts'
import { type ConfigFile, readTree, type TreeOptions } from './config-tree.ts'
import { endpointNames, forwardEndpoint, isMixed, type Known } from './forward-endpoint.ts'
import { type LeftOut, namesInBlocks } from './left-out.ts'
import type { ForwardEndpoint, UserConfig } from './user-config.ts'

export type KnownInventory = Pick<Inventory, 'file' | 'directory' | 'gateways' | 'devices' | 'leaving'>

export interface DirectOptions extends TreeOptions {
  readonly inventory: KnownInventory
  /** What ssh makes of a name, with everything that is written. */
  readonly whole: (name: string) => Promise<UserConfig>
  /** The same of a configuration of these files with something left out; a new one at each call. */
  readonly without: (files: readonly ConfigFile[], leftOut: LeftOut) => Promise<(name: string) => Promise<UserConfig>>
}

/**
 * The user's ssh_config of a name, with the route that leads to the host itself. An entry that goes to a port on a
 * gateway is a forward, whoever wrote it, and so is a block of ours: it is returned as `endpoint`, and for the route
 * ssh is asked once more, with a copy without all of them. The account and its keys are those of the whole
 * configuration.
 */
export function directConfigs(options: DirectOptions): (name: string) => Promise<UserConfig> {
  const { inventory, whole } = options
  const devices = new Map([...inventory.devices, ...(inventory.leaving ?? [])].map((device) => [device.name, device]))
  const known: Known = { gateways: inventory.gateways, devices: [...devices.values()], config: whole }
  const files = once(() => readTree(options))
  const own = join(inventory.directory, basename(inventory.file))
  const blocks = { all: () => true, own: (of: string) => of === Buffer.from(own).toString('latin1') }
  const inAll = once(async () => namesInBlocks(await files(), blocks.all))
  const inOwn = once(async () => namesInBlocks(await files(), blocks.own))
  const forDevices = once(async () =>
    options.without(await files(), { block: blocks.all, endpoint: await endpointNames(known) }),
  )
  const forGateways = once(async () => options.without(await files(), { block: blocks.own, endpoint: () => false }))

  return async (name) => {
    const config = await whole(name)
    const device = devices.get(name)
    if (device === undefined) {
      // A block of this inventory may be older than what the inventory says now; those of others may be all that there
      // is.
      const stale = inventory.gateways.some((gateway) => gateway.name === name) && (await inOwn()).has(name)
      return stale ? { ...config, ...routeOf(await (await forGateways())(name)) } : config
    }
    const endpoint = await forwardEndpoint(config, known)
    const asked = endpoint !== undefined || (await inAll()).has(name) || (await isMixed(config, device, known))
    if (!asked) return config
    const direct = settled(name, await (await forDevices())(name), endpoint, known)
    return { ...config, ...(await direct), ...(endpoint && { endpoint }) }
  }
}

type Route = Pick<UserConfig, 'hostname' | 'port' | 'jumps' | 'proxyCommand'>

const routeOf = ({ hostname, port, jumps, proxyCommand }: UserConfig): Route => ({
  hostname,
  port,
  jumps,
  proxyCommand,
})

/** An entry may be spread over several places: then what is left of it is none of the host's own. */
async function settled(
  name: string,
  found: UserConfig,
  endpoint: ForwardEndpoint | undefined,
  known: Known,
): Promise<Route> {
  if ((await forwardEndpoint(found, known)) !== undefined) {
    return { hostname: name, port: 22, jumps: [], proxyCommand: undefined }
  }
  const leftover = endpoint?.device !== undefined && endpoint.port === found.port
  return { ...routeOf(found), ...(leftover && { port: 22 }) }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
