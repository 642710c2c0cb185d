import { InventoryError } from '../../errors.ts'
import { keptText } from '../../files/kept-text.ts'
import type { Device } from '../../inventory/model.ts'
import type { Seed } from './seed.ts'

/**
 * The Wi-Fi of a device with the passphrase itself, from where the inventory says that it is kept.
 * @throws InventoryError where it is not there or can be none; it is never repeated
 */
export async function wifiOf(
  { name, wifi }: Pick<Device, 'name' | 'wifi'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Seed['wifi']> {
  if (wifi === undefined) return undefined
  const { passphrase: place, ...network } = wifi
  const told = 'env' in place ? `the environment variable ${place.env}` : `the first line of ${place.file}`
  const found = await keptText(place, env).catch((error: NodeJS.ErrnoException) => {
    const file = 'file' in place ? place.file : ''
    throw new InventoryError(`${file}: the Wi-Fi passphrase cannot be read (${error.code ?? error.message})`)
  })
  const subject = `${name}: the Wi-Fi passphrase`
  if (found === undefined)
    throw new InventoryError(
      `${subject} is missing: ${told} is ${'env' in place ? 'not set or ' : ''}empty`,
      'write it there, or remove "wifi"',
    )
  if (!/^[\x20-\x7e]{8,63}$|^[0-9A-Fa-f]{64}$/.test(found))
    throw new InventoryError(
      `${subject} in ${told} is not valid`,
      'a passphrase has 8 to 63 printable ASCII characters',
    )
  return { ...network, passphrase: found }
}
