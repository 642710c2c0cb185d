import { InventoryError } from '../../errors.ts'
import type { Gateway, Inventory } from '../../inventory/model.ts'
import { keptPath, readKeptFile } from '../../run/kept-file.ts'
import { hasAuthority } from '../../run/kept-keys.ts'
import { fingerprintOf, type HostKey, hostKeyText, parseHostKey } from '../../ssh/host-keys/pins.ts'
import { type PrivateKeyFile, unlocked } from '../../ssh/host-keys/private-key.ts'
import { spareFiles } from '../../ssh/host-keys/spare-files.ts'
import { askPassword } from '../shared/ask.ts'
import { pinsOf } from '../shared/pins-of.ts'

/** The host key with which a gateway comes back. */
export interface Spare {
  readonly publicKey: string
  readonly hostKey: HostKey
  /** Without a passphrase. */
  readonly privateKey: string
  /** The names by which gateways know the devices that trust it, as far as anybody knows. */
  readonly trustedBy: readonly string[]
}

const variable = 'PROVISION_SPARE_PASSPHRASE'

/**
 * The spare that most devices trust, of those whose private half is here; undefined: none is needed, since an authority vouches
 * for the gateway, or it has come back with its spare already, by another inventory of this folder.
 * @throws InventoryError before anything is contacted
 */
export async function spareOf(gateway: Gateway, inventory: Inventory): Promise<Spare | undefined> {
  const { name } = gateway
  const path = keptPath(inventory)
  const { keys = [] } = (await readKeptFile(path)).spareHostKeys[name] ?? {}
  const files = spareFiles(inventory.directory)
  if (keys.length === 0 && hasAuthority(gateway)) return undefined
  if (keys.length === 0) {
    throw new InventoryError(
      `${name}: no device trusts a spare host key of it, as far as ${path} knows`,
      'is this the newest version of that file? Without a spare, devices have to be visited: each has to be told the new host key of the gateway',
    )
  }
  const all = await Promise.all(keys.map(async (spare) => ({ spare, file: await files.find(name, spare.key) })))
  const here = all.flatMap(({ spare, file }) => (file ? [{ spare, file }] : []))
  const best = here.toSorted((one, other) => one.spare.trustedBy.length - other.spare.trustedBy.length).at(-1)
  const hostKey = best && parseHostKey(best.spare.key)
  if (!best || !hostKey) {
    const pinned = (await pinsOf(inventory).for(gateway)).keys.map(hostKeyText)
    if (keys.some(({ key }) => pinned.includes(key))) return undefined
    const other = await files.current(name)
    const trusted = keys.map(({ key }) => fingerprintOf(key)).join(', ')
    const what = other ? `is of ${fingerprintOf(other.publicKey)}` : 'is not here'
    throw new InventoryError(
      `${name}: the private half of its spare host key has to be in ${files.pathOf(name)}; it ${what}, and devices trust ${trusted}`,
      `${keys.map(({ madeBy }) => madeBy).join(', ')} made it`,
    )
  }
  return {
    publicKey: best.spare.key,
    hostKey,
    privateKey: await withoutPassphrase(best.file, files.pathOf(name)),
    trustedBy: best.spare.trustedBy,
  }
}

async function withoutPassphrase(file: PrivateKeyFile, path: string): Promise<string> {
  if (!file.locked) return file.text
  const passphrase = process.env[variable] || (await askPassword(`passphrase of ${path}: `, variable))
  const privateKey = unlocked(file, passphrase)
  if (privateKey === undefined) throw new InventoryError(`this is not the passphrase of ${path}`)
  return privateKey
}
