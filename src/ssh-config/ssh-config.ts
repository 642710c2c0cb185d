import { loginForwards, reachedOn } from '../inventory/forward.ts'
import type { Client, Device, Forward, Inventory } from '../inventory/model.ts'
import { hosts } from '../inventory/model.ts'
import { AUTHORITY } from '../ssh/host-keys/known-hosts.ts'
import { hostKeyText, type Pins } from '../ssh/host-keys/pins.ts'
import { askedByProvision } from '../ssh/user-config/query.ts'

/**
 * The blocks that make `ssh DEVICE` work from a machine that reaches only the gateway. HostKeyAlias is the device's
 * name, because known_hosts would otherwise hold one key for `[127.0.0.1]:9022` and call the next device a forgery.
 * `knownHosts`: a file of its own for the host keys, in ssh_config's words.
 */
export function clientConfig(inventory: Inventory, client?: Client, knownHosts?: string): string {
  const common = (name: string, user: string | undefined) => ({
    User: client?.user ?? user,
    IdentityFile: client?.identityFile,
    HostKeyAlias: name,
    UserKnownHostsFile: knownHosts,
    StrictHostKeyChecking: 'yes',
    // OpenSSH before 8.5 also learns a key by the address, and holds on to that one.
    CheckHostIP: 'no',
  })
  const gateways = inventory.gateways.map(({ name, address, port, login }) =>
    block(`Host ${name}`, { HostName: address ?? name, Port: client?.port ?? port, ...common(name, login.user) }),
  )
  const devices = inventory.devices.flatMap((device) => {
    const [first, ...others] = loginForwards(device)
    if (!first) return []
    const { ProxyJump, ...dial } = way(first)
    const fixed = block(`Host ${device.name}`, { ...dial, ...common(device.name, device.login.user), ProxyJump })
    return others.length === 0 ? [fixed] : [...[first, ...others].map((forward) => whereOpen(device, forward)), fixed]
  })
  return [...gateways, ...devices].join('\n')
}

/**
 * One line for each whole host key, or authority, that is pinned; hosts of which only a fingerprint, or nothing, is
 * known are missing.
 */
export async function knownHostsLines(
  inventory: Inventory,
  pins: Pins,
): Promise<{ lines: string[]; missing: string[] }> {
  const found = await Promise.all(
    hosts(inventory).map(async (host) => {
      const { keys, authorities } = await pins.for(host)
      const lines = [
        ...authorities.map((key) => `${AUTHORITY} ${host.name} ${hostKeyText(key)}`),
        ...keys.map((key) => `${host.name} ${hostKeyText(key)}`),
      ]
      return { name: host.name, lines }
    }),
  )
  return {
    lines: found.flatMap(({ lines }) => lines),
    missing: found.filter(({ lines }) => lines.length === 0).map(({ name }) => name),
  }
}

type Options = Readonly<Record<string, string | number | undefined>>

function way(forward: Forward) {
  return { HostName: reachedOn(forward), Port: forward.port, ProxyJump: forward.gateway }
}

/**
 * One of several gateways, taken where people can log in and its port is open; ssh gives what it runs no input, so this
 * ends at once. Once one is taken the host name is another one, so that `Match host` asks no further (ssh_config(5));
 * with none, and where no such command can be run, the block of the device names the first.
 */
function whereOpen({ name }: Device, forward: Forward): string {
  const address = forward.bindAddress.includes(':') ? `[${reachedOn(forward)}]` : reachedOn(forward)
  const opens = `ssh -q -o BatchMode=yes -o ConnectTimeout=4 -W ${address}:${forward.port} ${forward.gateway}`
  return block(`Match host ${name} exec "printenv ${askedByProvision} || ${opens}"`, way(forward))
}

function block(head: string, options: Options): string {
  const lines = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`    ${key} ${value}`]))
  return `${head}\n${lines.join('\n')}\n`
}
