import { stringify } from 'smol-toml'
import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import { hostName, boot as mountedAt, seedFile, seedScript, startSeed } from '../seed/seed-script.ts'
import { type Format, hostNameConflict, record, refuseConflicts } from './format.ts'
import { hostNamesIn } from './host-name.ts'
import { refuseKernelLine } from './kernel-line.ts'
import { parsedToml } from './toml.ts'
import { countryConflict, type WifiOnCard, wifiConflict } from './wifi.ts'

const name = 'rpi-preseed.toml'
const pointer = 'rpi_preseed.config='

type Toml = Readonly<Record<string, unknown>>

/**
 * Raspberry Pi's successor of both, a prototype since July 2026. It runs what `early` names once and gives it five
 * seconds; `late` is the second chance, and finds nothing to do as a rule.
 */
export const rpiPreseed: Format = {
  name: 'rpi-preseed',
  signs: (boot) => [
    ...[name].filter((file) => boot.names.includes(file)),
    ...cmdline(boot)
      .filter((word) => word.startsWith(pointer))
      .map((word) => `${word} in cmdline.txt`),
  ],
  files(seed, boot) {
    refuseKernelLine(boot)
    checkPlace(boot)
    const text = boot.text(name)
    const there = text === undefined ? {} : parsedToml(name, text)
    checkVersion(there)
    refuseConflicts([...conflicts(seed, there), ...hostNamesIn(`its ${name}`, text ?? '', hostName(seed))])
    return [seedScript(seed, 'rpi-preseed'), { name, content: `${stringify(withSeed(seed, there))}\n` }]
  },
}

function checkPlace(boot: BootFiles): void {
  const place = cmdline(boot)
    .find((word) => word.startsWith(pointer))
    ?.slice(pointer.length)
  if (place === undefined || place === `${mountedAt}/${name}`) return
  throw new ProvisionError(
    `its kernel command line makes rpi-preseed read ${place} instead of ${name} on the boot partition`,
    `remove ${pointer}… from cmdline.txt`,
  )
}

function checkVersion(there: Toml): void {
  const { config_version: version = '1.0' } = there
  if (typeof version === 'string' && /^1\.\d+$/.test(version)) return
  throw new ProvisionError(`its ${name} has version ${JSON.stringify(version)}`, 'only 1.x is supported')
}

function conflicts(seed: Seed, there: Toml): (string | undefined)[] {
  const [system, ssh, wlan] = [there.system, there.ssh, there.wlan].map((section) => record(section) ?? {})
  const { wifi } = seed
  const where = `its ${name}`
  return [
    hostNameConflict(where, system?.hostname, hostName(seed)),
    ssh?.enabled === false ? `${where} switches sshd off` : undefined,
    ...(wifi === undefined || wlan === undefined ? [] : wifiConflicts(wifi, wlan)),
  ]
}

/** Of two names for the network the one in hexadecimal digits counts. */
function wifiConflicts(wifi: WifiOnCard, wlan: Toml): (string | undefined)[] {
  const where = `its ${name}`
  const ssid = typeof wlan.ssid_hex === 'string' ? Buffer.from(wlan.ssid_hex, 'hex').toString() : wlan.ssid
  if (ssid === undefined) return []
  if (ssid !== wifi.ssid)
    return [
      `${where} joins the Wi-Fi network ${JSON.stringify(ssid)}, the inventory ` +
        `${JSON.stringify(wifi.ssid)}, and ${name} can hold only one`,
    ]
  const open = wlan.key_mgmt === 'none' || wlan.key_mgmt === 'owe'
  return [wifiConflict(where, wifi, open ? '' : (wlan.password ?? '')), countryConflict(where, wifi, wlan.country)]
}

function withSeed(seed: Seed, there: Toml): Toml {
  const { wifi } = seed
  const runcmd = record(there.runcmd) ?? {}
  const wlan = record(there.wlan)
  const asked = { ssid: wifi?.ssid, password: wifi?.passphrase, ...(wifi?.country && { country: wifi.country }) }
  return {
    config_version: '1.0',
    ...there,
    system: { ...record(there.system), hostname: hostName(seed) },
    ssh: { ...record(there.ssh), enabled: true },
    ...(wifi && { wlan: { password_encrypted: false, ...asked, ...wlan } }),
    runcmd: {
      early_cmd_timeout: 25,
      ...runcmd,
      early: [startSeed.text, ...others(runcmd, 'early')],
      late: [startSeed.text, ...others(runcmd, 'late')],
    },
  }
}

function others(runcmd: Toml, phase: 'early' | 'late'): unknown[] {
  const there = runcmd[phase] ?? []
  if (!Array.isArray(there))
    throw new ProvisionError(`runcmd.${phase} in its ${name} is not a list`, 'correct the file')
  return there.filter((command) => !String(command).includes(seedFile))
}
