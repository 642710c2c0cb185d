import { pbkdf2Sync } from 'node:crypto'
import type { Seed } from '../seed/seed.ts'

export type WifiOnCard = NonNullable<Seed['wifi']>

/** Is this the passphrase, or the key that Raspberry Pi Imager derives from it? */
export function isPassphrase({ ssid, passphrase }: WifiOnCard, found: unknown): boolean {
  const there = typeof found === 'number' ? String(found) : found
  return there === passphrase || there === pbkdf2Sync(passphrase, ssid, 4096, 32, 'sha1').toString('hex')
}

/** The network is there already, and the inventory says something else of it; never what. */
export function wifiConflict(where: string, wifi: WifiOnCard, there: unknown): string | undefined {
  if (there === undefined || isPassphrase(wifi, there)) return undefined
  return `${where} has another passphrase for the Wi-Fi network ${JSON.stringify(wifi.ssid)}`
}

export function countryConflict(where: string, { country }: WifiOnCard, there: unknown): string | undefined {
  if (country === undefined || there === undefined || there === null || there === country) return undefined
  return `${where} sets the Wi-Fi country to ${JSON.stringify(there)}, the inventory to ${JSON.stringify(country)}`
}

/** A connection profile of NetworkManager. */
export function keyfile({ ssid, passphrase }: WifiOnCard): string {
  // A list of bytes, unless nothing in it means anything to NetworkManager's parser.
  const plain = /^[A-Za-z0-9_-]([A-Za-z0-9 _.-]*[A-Za-z0-9_-])?$/.test(ssid)
  const name = plain ? ssid : `${[...Buffer.from(ssid)].join(';')};`
  const key = passphrase.replaceAll('\\', '\\\\').replace(/^ /, '\\s')
  return `[connection]
id=provision-wifi
type=wifi

[wifi]
mode=infrastructure
ssid=${name}

[wifi-security]
key-mgmt=wpa-psk
psk=${key}

[ipv4]
method=auto

[ipv6]
method=auto
`
}
