import type { BootFiles } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import { record } from './format.ts'
import { literal } from './host-name.ts'
import { parsedToml } from './toml.ts'
import { countryConflict, isPassphrase, wifiConflict } from './wifi.ts'

export function customToml(boot: BootFiles): Readonly<Record<string, unknown>> {
  const text = boot.text('custom.toml')
  return text === undefined ? {} : parsedToml('custom.toml', text)
}

/**
 * Is the network of the inventory joined by what is customised on a card with firstrun.sh, and does that say the same
 * of it?
 */
export function wifiOnCard({ wifi }: Seed, boot: BootFiles, script = '') {
  if (wifi === undefined) return { known: false, conflicts: [] }
  const [ssid, key, country] = setWlan(script)
  const custom = record(customToml(boot).wlan) ?? {}
  const inScript = ssid === wifi.ssid ? (key ?? '') : undefined
  const inToml = custom.ssid === wifi.ssid ? (custom.password ?? '') : undefined
  return {
    known: [inScript, inToml].some((found) => isPassphrase(wifi, found)),
    conflicts: [
      olderNetworks(script),
      wifiConflict('its firstrun.sh', wifi, inScript),
      countryConflict('its firstrun.sh', wifi, country || undefined),
      wifiConflict('its custom.toml', wifi, inToml),
      countryConflict('its custom.toml', wifi, custom.country || undefined),
    ],
  }
}

/** For a script of Raspberry Pi Imager before 1.7.3 bookworm switches NetworkManager off at its first boot. */
function olderNetworks(script: string): string | undefined {
  const line = script.split('\n').findIndex((one) => one.includes('wpa_supplicant.conf'))
  if (line === -1 || script.includes('imager_custom set_wlan')) return undefined
  return `its firstrun.sh sets up Wi-Fi in wpa_supplicant.conf, but the Wi-Fi of the inventory needs NetworkManager (line ${line + 1})`
}

/** Raspberry Pi Imager's words: set_wlan [-h] [-p] 'SSID' 'KEY' 'COUNTRY'. */
function setWlan(script: string): (string | undefined)[] {
  const [, words = ''] = command.exec(script) ?? []
  return [...words.matchAll(argument)]
    .map(([word]) => word)
    .filter((word) => !/^-(h|p|-hidden|-plain)$/.test(word))
    .map((word) => literal(word, script))
}

const one = String.raw`(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;|&])+`
const argument = new RegExp(one, 'g')
const command = new RegExp(String.raw`^(?!\s*#).*\bimager_custom\s+set_wlan((?:[ \t]+${one})*)`, 'm')
