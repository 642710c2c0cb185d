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
 * The spare that most devices trust, of those whose private half is here; undefined: none is needed, since an authority
 * vouches for the gateway, or it has come back with its spare already, by another inventory of this folder.
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
      `${name}: according to ${path}, no device trusts a spare host key of this gateway`,
      'check that this is the newest version of that file; without a spare host key, the new host key of the gateway has to be installed on each device by hand',
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
    const what = other ? `that file holds the key ${fingerprintOf(other.publicKey)}` : 'there is no such file'
    throw new InventoryError(
      `${name}: the private key of its spare host key must be in ${files.pathOf(name)}, but ${what}; devices trust ${trusted}`,
      `that key was made by ${keys.map(({ madeBy }) => madeBy).join(', ')}`,
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
