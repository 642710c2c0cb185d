import type * as File from '../file.ts'
import type { Wifi } from '../model.ts'
import type { Building } from './building.ts'
import { keptAt } from './kept.ts'
import type { Path } from './problems.ts'
import type { DeepPartial } from './shape.ts'

/**
 * undefined: none is wanted, or what is wanted is wrong. What stands for a passphrase is never repeated: it may be one.
 */
export function buildWifi(wifi: DeepPartial<File.Wifi> | undefined, path: Path, building: Building): Wifi | undefined {
  const { ssid, passphrase, country } = wifi ?? {}
  const { problems } = building
  if (ssid === undefined || passphrase === undefined) return undefined
  const bytes = Buffer.byteLength(ssid)
  if (bytes < 1 || bytes > 32 || /[\u0000-\u001f\u007f]/.test(ssid)) {
    problems.add(
      [...path, 'ssid'],
      'is not the name of a Wi-Fi network: write 1 to 32 bytes, without control characters',
    )
  }
  if (country !== undefined && !/^[A-Z]{2}$/.test(country)) {
    problems.add([...path, 'country'], 'must be a country code of two capital letters, such as "DE"')
  }
  const place = keptAt(passphrase, 'the passphrase', [...path, 'passphrase'], building)
  return place && { ssid, passphrase: place, ...(country !== undefined && { country }) }
}
