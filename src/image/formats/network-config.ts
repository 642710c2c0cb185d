import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import { record } from './format.ts'
import { countryConflict, wifiConflict } from './wifi.ts'
import { added, contentsOf, type Yaml } from './yaml.ts'

interface NetworkConfig {
  /** undefined: it stays as it is. */
  readonly content?: string
  readonly conflicts: readonly (string | undefined)[]
}

/** cloud-init's network-config with the seed's Wi-Fi beside all that is in it. */
export function networkConfig({ wifi }: Seed, boot: BootFiles): NetworkConfig {
  if (wifi === undefined) return { conflicts: [] }
  let yaml: Yaml = { name: 'network-config', text: boot.text('network-config') ?? '' }
  const whole = contentsOf(yaml)
  // Both are read: with and without "network" around all of it. What is new has it.
  const path = 'network' in whole || Object.keys(whole).length === 0 ? ['network'] : []
  const there = record(path.length ? whole.network : whole) ?? {}
  const off = switchedOff(there, boot)
  if (off !== undefined) return { conflicts: [off] }
  if (there.version !== undefined && there.version !== 2) {
    throw new ProvisionError(
      `its network-config has version ${String(there.version)}, and Wi-Fi can only be added to version 2`,
      'rewrite it as version 2, or flash the card again',
    )
  }
  const wifis = Object.entries(record(there.wifis) ?? {}).map(([name, card]) => ({ name, card: record(card) }))
  const known = wifis.find(({ card }) => Object.hasOwn(record(card?.['access-points']) ?? {}, wifi.ssid))
  const [only, ...others] = wifis
  const { name, card } =
    known ??
    (only && others.length === 0
      ? only
      : (wifis.find((one) => one.name === 'wlan0') ?? { name: 'wlan0', card: undefined }))
  const add = (keys: readonly string[], value: unknown) => {
    yaml = added(yaml, [...path, ...keys], value)
  }
  const password = { password: wifi.passphrase }
  if (card === undefined)
    add(['wifis', name], {
      dhcp4: true,
      optional: true,
      ...(wifi.country !== undefined && { 'regulatory-domain': wifi.country }),
      'access-points': Object.fromEntries([[wifi.ssid, password]]),
    })
  else {
    if (wifi.country !== undefined && card['regulatory-domain'] === undefined)
      add(['wifis', name, 'regulatory-domain'], wifi.country)
    if (known === undefined) add(['wifis', name, 'access-points', wifi.ssid], password)
  }
  if (there.version === undefined) add(['version'], 2)
  return {
    content: yaml.text,
    conflicts: [
      known && wifiConflict('its network-config', wifi, passwordOf(record(known.card?.['access-points'])?.[wifi.ssid])),
      countryConflict('its network-config', wifi, card?.['regulatory-domain']),
    ],
  }
}

/** Of an access point; netplan has longer words for it, too. */
function passwordOf(point: unknown): unknown {
  const auth = record(record(point)?.auth)
  if (auth === undefined) return record(point)?.password ?? ''
  return ['psk', 'psk-sha256', 'sae'].includes(String(auth['key-management'] ?? 'psk')) ? (auth.password ?? '') : ''
}

function switchedOff(there: Readonly<Record<string, unknown>>, boot: BootFiles): string | undefined {
  const wanted = 'the inventory has a Wi-Fi network for this device'
  if (there.config === 'disabled') return `its network-config switches off network setup by cloud-init, but ${wanted}`
  const word = cmdline(boot).find((one) => one.startsWith('network-config='))
  return word && `its kernel command line says ${word.slice(0, 40)}, but ${wanted}`
}
