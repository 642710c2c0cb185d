import { ProvisionError } from '../../errors.ts'
import type { BootFiles } from '../boot-files.ts'
import type { Seed } from '../seed.ts'
import { countryConflict, wifiConflict } from '../wifi.ts'
import { record } from './format.ts'
import { parsed, setIn } from './yaml.ts'

interface NetworkConfig {
  /** undefined: it stays as it is. */
  readonly content?: string
  readonly conflicts: readonly (string | undefined)[]
}

/** cloud-init's network-config with the seed's Wi-Fi beside all that is in it. */
export function networkConfig({ wifi }: Seed, boot: BootFiles): NetworkConfig {
  if (wifi === undefined) return { conflicts: [] }
  const document = parsed('network-config', boot.text('network-config') ?? '')
  const whole = record(document.toJS()) ?? {}
  // Both are read: with and without "network" around all of it. What is new has it.
  const path = 'network' in whole || Object.keys(whole).length === 0 ? ['network'] : []
  const there = record(path.length ? whole.network : whole) ?? {}
  if (there.version !== undefined && there.version !== 2) {
    throw new ProvisionError(
      `its network-config is of version ${String(there.version)}, which no Wi-Fi can be added to`,
      'write it as version 2, or flash the card again',
    )
  }
  const wifis = record(there.wifis) ?? {}
  const [only, ...others] = Object.keys(wifis)
  const name = only !== undefined && others.length === 0 ? only : 'wlan0'
  const card = record(wifis[name])
  const points = record(card?.['access-points'])
  const point = points && Object.hasOwn(points, wifi.ssid) ? record(points[wifi.ssid]) : undefined
  const set = (keys: readonly string[], value: unknown) => setIn(document, [...path, ...keys], value)
  if (there.version === undefined) set(['version'], 2)
  if (card === undefined) set(['wifis', name], { dhcp4: true, optional: true })
  if (wifi.country !== undefined && card?.['regulatory-domain'] === undefined) {
    set(['wifis', name, 'regulatory-domain'], wifi.country)
  }
  if (point === undefined) set(['wifis', name, 'access-points', wifi.ssid], { password: wifi.passphrase })
  return {
    content: document.toString({ lineWidth: 0 }),
    conflicts: [
      wifiConflict('its network-config', wifi, point && (point.password ?? '')),
      countryConflict('its network-config', wifi, card?.['regulatory-domain']),
    ],
  }
}
