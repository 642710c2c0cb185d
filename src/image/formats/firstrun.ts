import { ProvisionError } from '../../errors.ts'
import { lines, sh } from '../../sh.ts'
import { type BootFiles, cmdline } from '../boot-files.ts'
import type { Seed } from '../seed.ts'
import { hostName, boot as mountedAt, seedPath, seedScript } from '../seed-script.ts'
import { countryConflict, isPassphrase, keyfile, wifiConflict } from '../wifi.ts'
import { type Format, hostNameConflict, record, refuseConflicts } from './format.ts'
import { parsedToml } from './toml.ts'

const script = 'firstrun.sh'
const runs = `systemd.run=${mountedAt}/${script}`
const ours = [
  runs,
  'systemd.run_success_action=reboot',
  // The seed could not even install itself: to begin again is all that helps where nobody is there.
  'systemd.run_failure_action=reboot',
  'systemd.unit=kernel-command-line.target',
]

/** The first image with /boot/firmware, and the first one with cloud-init on it for good. */
const [bookworm, cloudInit] = ['2023-10-10', '2025-11-24']

/** Raspberry Pi OS bookworm and the first trixie: one script, run by the kernel's command line, and a reboot. */
export const firstrun: Format = {
  name: 'firstrun',
  signs: (boot) => [
    ...[script, 'custom.toml'].filter((name) => boot.names.includes(name)),
    ...cmdline(boot)
      .filter((word) => word.startsWith('systemd.run=') || /^init=.*\/firstboot$/.test(word))
      .map((word) => `${word} in cmdline.txt`),
    ...dated(boot),
  ],
  files(seed, boot) {
    checkAge(boot)
    const there = boot.text(script)
    const wifi = wifiOnCard(seed, boot, there)
    refuseConflicts([...wifi.conflicts, ...hostNames(seed, boot, there)])
    const bring = seed.wifi !== undefined && !wifi.known
    return [
      seedScript(bring ? withKeyfile(seed) : seed, 'firstrun'),
      { name: script, content: merged(there) },
      { name: 'cmdline.txt', content: kernelLine(boot) },
    ]
  },
}

/** issue.txt says which image it is: `Raspberry Pi reference 2025-05-13`. */
function dateOf(boot: BootFiles): string | undefined {
  return /Raspberry Pi reference (\d{4}-\d\d-\d\d)/.exec(boot.text('issue.txt') ?? '')?.[1]
}

function dated(boot: BootFiles): string[] {
  const date = dateOf(boot)
  const others = ['user-data', 'meta-data', 'network-config', 'rpi-preseed.toml'].some((name) =>
    boot.names.includes(name),
  )
  return date !== undefined && date < cloudInit && !others ? [`issue.txt of ${date}`] : []
}

function checkAge(boot: BootFiles): void {
  const date = dateOf(boot)
  if (date === undefined || date >= bookworm) return
  throw new ProvisionError(
    `its issue.txt is of ${date}: it is older than Raspberry Pi OS bookworm`,
    'flash a newer Raspberry Pi OS',
  )
}

function kernelLine(boot: BootFiles): string {
  const words = cmdline(boot)
  const other = words.find((word) => word.startsWith('systemd.run=') && !word.endsWith(`/${script}`))
  if (other) {
    throw new ProvisionError(
      `its kernel command line runs something else at its first boot: ${other}`,
      `take it out of cmdline.txt, or flash it without that customisation`,
    )
  }
  if (words.length === 0) {
    throw new ProvisionError(
      'it has no cmdline.txt, which firstrun.sh is started from',
      'with --output name the mounted boot partition, or copy its cmdline.txt there first',
    )
  }
  const kept = words.filter((word) => !/^systemd\.(run|run_success_action|run_failure_action|unit)=/.test(word))
  return `${[...kept, ...ours].join(' ')}\n`
}

/** What is there stays, but for its last lines: those leave the system without a script to run if the power goes. */
function merged(there: string | undefined): string {
  const [shebang = '', ...rest] = (there ?? '#!/bin/sh\n').split('\n')
  if (!/^#!\s*\/(usr\/)?bin\/(env )?(ba|da)?sh\b/.test(shebang)) {
    throw new ProvisionError(`its ${script} is no shell script`, 'flash it without that customisation')
  }
  const begun = rest.indexOf(start.text)
  const before = begun === -1 ? rest : rest.slice(begun + 1)
  const tail = before.findIndex((line) => /^\s*rm\b.*\/firstrun\.sh/.test(line) || line === last.text.split('\n')[0])
  const kept = (tail === -1 ? before : before.slice(0, tail)).join('\n').trimEnd()
  return `${[shebang, start.text, ...(kept ? [kept] : []), last.text].join('\n')}\n`
}

const start = sh`sh ${seedPath} || exit 1`

/** Written over itself and padded to its old length: one sector, which is written whole or not at all. */
const last = lines(
  sh`cd ${mountedAt} || exit 1`,
  sh`words=$(sed 's/ systemd\.run[^ ]*//g; s/ systemd\.unit=[^ ]*//g' cmdline.txt)`,
  sh`printf "%-$(($(wc -c <cmdline.txt) - 1))s\\n" "$words" | dd of=cmdline.txt conv=notrunc 2>/dev/null`,
  sh`sync`,
  sh`rm -f ${script}`,
  sh`sync`,
  sh`exit 0`,
)

function hostNames(seed: Seed, boot: BootFiles, there = ''): (string | undefined)[] {
  const inScript = /imager_custom set_hostname '?([^\s']+)/.exec(there)?.[1]
  const custom = customToml(boot)
  const wanted = hostName(seed)
  return [
    hostNameConflict(`its ${script}`, inScript, wanted),
    hostNameConflict('its custom.toml', record(custom.system)?.hostname, wanted),
    record(custom.ssh)?.enabled === false ? 'its custom.toml keeps sshd off' : undefined,
  ]
}

function customToml(boot: BootFiles): Readonly<Record<string, unknown>> {
  const text = boot.text('custom.toml')
  return text === undefined ? {} : parsedToml('custom.toml', text)
}

/** Raspberry Pi Imager's words: set_wlan [-h] [-p] 'SSID' 'KEY' 'COUNTRY'. */
function wifiOnCard({ wifi }: Seed, boot: BootFiles, there = '') {
  if (wifi === undefined) return { known: false, conflicts: [] }
  const words = /imager_custom set_wlan\s+((?:-\w\s+)*)('[^']*'|\S+)\s+('[^']*'|\S+)(?:\s+('[^']*'|\S+))?/.exec(there)
  const [ssid, key, country] = [words?.[2], words?.[3], words?.[4]].map((word) => word?.replace(/^'(.*)'$/, '$1'))
  const custom = record(customToml(boot).wlan) ?? {}
  const inScript = ssid === wifi.ssid ? key : undefined
  const inToml = custom.ssid === wifi.ssid ? (custom.password ?? '') : undefined
  return {
    known: [inScript, inToml].some((found) => isPassphrase(wifi, found)),
    conflicts: [
      wifiConflict(`its ${script}`, wifi, inScript),
      countryConflict(`its ${script}`, wifi, country || undefined),
      wifiConflict('its custom.toml', wifi, inToml),
      countryConflict('its custom.toml', wifi, custom.country || undefined),
    ],
  }
}

function withKeyfile(seed: Seed): Seed {
  if (seed.wifi === undefined) return seed
  const path = '/etc/NetworkManager/system-connections/provision-wifi.nmconnection'
  return { ...seed, files: [...seed.files, { path, mode: '0600', content: keyfile(seed.wifi), secret: true }] }
}
