import type { Device, Gateway, Inventory, Late, Resource, Seen, Sh } from '../../src/index.ts'
import { keyPair, known, lines, managedFile, publicKey, sh } from '../../src/index.ts'
import { accountOn, dials, keyOwner } from '../../src/tunnel/accounts.ts'
import {
  gatewayFolder,
  key,
  keysFolder,
  knownHosts,
  nameOnGateways,
  sharedKeys,
  tunnelUnitName,
} from '../../src/tunnel/names.ts'
import { formerKeysOf } from './removal.ts'

/** Beside the key that the tunnel logs in with: the one that takes its place. */
export const nextKey = `${key}.next`
/**
 * On the gateway, for root: `DEVICE KEY` of every key that is to go. It is what a rotation that waits for somebody
 * hangs on.
 */
const retiredFile = `${gatewayFolder}/retired`

/**
 * Keys that are to go, asked for in this run or an earlier one: an entry goes when its device has moved to another key.
 */
export function retiredKeys(gateway: Gateway, { devices, leaving = [], rotate }: Inventory): Resource {
  const isOurs = (row: string) =>
    [...devices, ...leaving].some((device) => row.startsWith(`${nameOnGateways(device)} `))
  const ofOthers = (seen: Seen) => rowsOn(gateway, seen).filter((row) => !isOurs(row))
  const content = (seen: Seen) =>
    devices
      .filter((device) => dials(device, gateway))
      .flatMap((device) => {
        const before = retiredOn(gateway, device, seen)
        const asked = rotate?.devices?.includes(device.name) ? formerKeysOf(device, gateway, seen) : []
        const all = before.length > 0 ? before : asked
        const current = known(publicKey(device.name, key), seen)
        const moved = !seen.gone(device.name) && current !== undefined && !all.includes(current)
        return moved ? [] : all.map((old) => `${nameOnGateways(device)} ${old}`)
      })
      .concat(ofOthers(seen))
      .map((row) => `${row}\n`)
      .join('')
  const file = managedFile(retiredFile, { content, mode: '600' })
  return {
    ...file,
    diff: (now, seen) => (now.startsWith('absent') && content(seen) === '' ? 'converged' : file.diff(now, seen)),
  }
}

/** The next key of a device, which it makes when its present one is to go. */
export function nextKeyPair(device: Device, gateways: readonly Gateway[]): Resource {
  const pair = keyPair(nextKey, { owner: keyOwner(device), comment: device.name })
  return { ...pair, diff: (now, seen) => (isRetired(device, gateways, seen) ? pair.diff(now, seen) : 'converged') }
}

/** The key that a device may log in with beside its present one, while it moves; empty: none. */
export function nextKeyOf(device: Device, gateways: readonly Gateway[]): Late<string> {
  return (seen) => {
    if (known(publicKey(device.name, key), seen) === undefined) return undefined
    return isRetired(device, gateways, seen) ? (known(publicKey(device.name, nextKey), seen) ?? '') : ''
  }
}

/**
 * Once every gateway accepts the next key: a real login with it alone, at each of them, and then the tunnels move to
 * it. When they do not come up, the old key is back.
 */
export function moveToNextKey(device: Device, gateways: readonly Gateway[]): Resource {
  const units = gateways.map(tunnelUnitName)
  return {
    id: 'move to the next key',
    inspect: sh`if [ -s ${nextKey} ]; then ssh-keygen -y -P '' -f ${nextKey} | cut -d ' ' -f 1,2; fi`,
    diff(now, seen) {
      const next = now.trim()
      if (next === '' || !isRetired(device, gateways, seen)) return 'converged'
      const closed = gateways.filter((gateway) => !accepts(gateway, next, seen))
      if (closed.length > 0) return closed.some(({ name }) => seen.gone(name)) ? 'converged' : 'later'
      return {
        summary: 'log in with the next key alone, then use it',
        saves: [key, `${key}.pub`, nextKey, `${nextKey}.pub`],
        validate: lines(...gateways.map((gateway) => login(gateway, accountOn(gateway, device)))),
        commit: sh`
          owner=$(stat -c %U:%G ${key})
          put ${nextKey} ${key} 600 "$owner"
          put ${`${nextKey}.pub`} ${`${key}.pub`} 644 root:root
          rm -f ${nextKey} ${`${nextKey}.pub`}
        `,
        activate: sh`
          for unit in ${units}; do systemctl restart "$unit" || :; done
          tries=120
          while systemctl show --property=ActiveState --value ${units} | grep . | grep -qvx active; do
            tries=$((tries - 1))
            if [ "$tries" = 0 ]; then echo 'the tunnel does not come up with the next key' >&2; exit 1; fi
            sleep 0.25
          done
        `,
        interrupts: { units, seconds: 30 },
        undo: sh`systemctl restart --no-block ${units}`,
      }
    },
  }
}

/** Why keys that are to go are still there. */
export function pendingKeys({ devices, gateways }: Inventory, seen: Seen): string[] {
  return devices.flatMap((device) => {
    const mine = gateways.filter((gateway) => dials(device, gateway))
    if (!mine.some((gateway) => retiredOn(gateway, device, seen).length > 0)) return []
    const away = [device, ...mine].filter(({ name }) => seen.gone(name)).map(({ name }) => name)
    return [`${device.name}: its next key waits for ${away.join(', ') || 'the next run'}`]
  })
}

/** `ssh -f` goes to the background only after the login has succeeded; a connection of its own, beside the tunnel. */
function login({ name, dial }: Gateway, account: string): Sh {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    `IdentityFile=${nextKey}`,
    'PreferredAuthentications=publickey',
    `UserKnownHostsFile=${knownHosts}`,
    // An ssh before 8.5, as root, would write addresses into that file, and trust nobody any more who has another one.
    'CheckHostIP=no',
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    `HostKeyAlias=${name}`,
    'ControlMaster=yes',
    'ConnectTimeout=15',
  ].flatMap((option) => ['-o', option])
  return sh`
    ssh -F none -T -f -N ${options} -o ControlPath="$stage/control" -p ${dial.port} -l ${account} ${dial.address} >&2
    ssh -F none -o ControlPath="$stage/control" -O exit ${dial.address} 2>/dev/null
  `
}

/** Is the key that the device logs in with now to go. */
function isRetired(device: Device, gateways: readonly Gateway[], seen: Seen): boolean {
  const current = known(publicKey(device.name, key), seen)
  return current !== undefined && gateways.some((gateway) => retiredOn(gateway, device, seen).includes(current))
}

/** `DEVICE KEY` each. */
const rowsOn = (gateway: Gateway, seen: Seen): string[] =>
  (seen.of(gateway.name, `file ${retiredFile}`) ?? '').split('\n').filter((row) => /^\S+ ssh-\S+ \S+$/.test(row))

function retiredOn(gateway: Gateway, device: Device, seen: Seen): string[] {
  const name = nameOnGateways(device)
  const own = rowsOn(gateway, seen).filter((row) => row.startsWith(`${name} `))
  return own.map((row) => row.slice(name.length + 1))
}

function accepts({ name }: Gateway, next: string, seen: Seen): boolean {
  const files = [seen.of(name, `files in ${keysFolder}`), seen.of(name, `file ${sharedKeys}`)]
  return !seen.gone(name) && files.some((text) => text?.includes(`${next} `))
}
