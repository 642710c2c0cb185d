import { isOwnSshd, reachedOn } from './inventory/forward.ts'
import type { Client, Device, Gateway, Inventory } from './inventory/model.ts'
import { hosts } from './inventory/model.ts'
import { hostKeyText, type Pins } from './pins.ts'

/**
 * The blocks that make `ssh DEVICE` work from a machine that reaches only the gateway. HostKeyAlias is the device's name,
 * because known_hosts would otherwise hold one key for `[127.0.0.1]:9022` and call the next device a forgery.
 */
export function clientConfig(inventory: Inventory, client?: Client): string {
  const gateways = inventory.gateways.map((gateway) => block(gateway.name, gatewayOptions(gateway, client)))
  const devices = inventory.devices.flatMap((device) => {
    const options = deviceOptions(device, client)
    return options ? [block(device.name, options)] : []
  })
  return [...gateways, ...devices].join('\n')
}

/** One line for each whole host key that is pinned; hosts of which only a fingerprint, or nothing, is known are missing. */
export async function knownHostsLines(
  inventory: Inventory,
  pins: Pins,
): Promise<{ lines: string[]; missing: string[] }> {
  const found = await Promise.all(
    hosts(inventory).map(async (host) => ({ name: host.name, keys: (await pins.for(host)).keys })),
  )
  return {
    lines: found.flatMap(({ name, keys }) => keys.map((key) => `${name} ${hostKeyText(key)}`)),
    missing: found.filter(({ keys }) => keys.length === 0).map(({ name }) => name),
  }
}

type Options = Readonly<Record<string, string | number | undefined>>

function gatewayOptions({ name, address, port, login }: Gateway, client: Client | undefined): Options {
  return {
    HostName: address ?? name,
    Port: client?.port ?? port,
    ...common(name, login.user, client),
  }
}

/** Through the first forward that ends at the device's own sshd. */
function deviceOptions(device: Device, client: Client | undefined): Options | undefined {
  const forward = device.forwards.find((candidate) => isOwnSshd(device, candidate))
  if (!forward) return undefined
  return {
    HostName: reachedOn(forward),
    Port: forward.port,
    ...common(device.name, device.login.user, client),
    ProxyJump: forward.gateway,
  }
}

function common(name: string, user: string | undefined, client: Client | undefined): Options {
  return {
    User: client?.user ?? user,
    IdentityFile: client?.identityFile,
    HostKeyAlias: name,
    StrictHostKeyChecking: 'yes',
    // OpenSSH before 8.5 also learns a key by the address, and holds on to that one.
    CheckHostIP: 'no',
  }
}

function block(name: string, options: Options): string {
  const lines = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`    ${key} ${value}`]))
  return `Host ${name}\n${lines.join('\n')}\n`
}
