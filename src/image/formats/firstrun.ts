import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import { hostName, boot as mountedAt, seedScript } from '../seed/seed-script.ts'
import startText from './firstrun.sh'
import { type Format, hostNameConflict, record, refuseConflicts } from './format.ts'
import { hostNamesIn } from './host-name.ts'
import { refuseKernelLine, withWords } from './kernel-line.ts'
import { dateOf, refuseOlder } from './release.ts'
import { type Syntax, syntaxOf } from './shell-syntax.ts'
import { keyfile } from './wifi.ts'
import { customToml, wifiOnCard } from './wifi-on-card.ts'

const script = 'firstrun.sh'
/**
 * What runs before `script`, which stays as it is under its own name: it may remove that file, but not what runs it.
 * Not named after it, for scripts edit such names in cmdline.txt.
 */
const startFile = 'provision-start.sh'

const ours = [
  `systemd.run=${mountedAt}/${startFile}`,
  // Without "reboot" there it would be switched off where that file ends well. What it installs takes both from
  // systemd: what systemd did by itself might never end.
  'systemd.run_success_action=reboot',
  'systemd.run_failure_action=none',
  'systemd.unit=kernel-command-line.target',
]
const runs = /^systemd\.(run|run_success_action|run_failure_action|unit)=/

/** The first image with cloud-init on it for good. */
const cloudInit = '2025-11-24'

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
    refuseOlder(boot)
    refuseKernelLine(boot)
    refuseOtherRuns(boot)
    const there = boot.text(script)
    if (there !== undefined) refuseBroken(there)
    const wifi = wifiOnCard(seed, boot, there)
    refuseConflicts([...wifi.conflicts, ...hostNames(seed, boot, there)])
    const bring = seed.wifi !== undefined && !wifi.known
    return [
      seedScript(bring ? withKeyfile(seed) : seed, 'firstrun'),
      { name: startFile, content: startText },
      { name: 'cmdline.txt', content: withWords(boot, runs, ours) },
    ]
  },
  notes: (boot) => [
    ...(boot.names.includes('wpa_supplicant.conf')
      ? ['its wpa_supplicant.conf is not read since bookworm: a network in that file is not joined']
      : []),
    ...(judged(boot.text(script) ?? '#!/bin/sh\n') === 'unchecked'
      ? [
          `its ${script} was not checked, as no suitable shell is installed here; the seed starts even if ${script} fails`,
        ]
      : []),
  ],
}

function dated(boot: BootFiles): string[] {
  const date = dateOf(boot)
  const others = ['user-data', 'meta-data', 'network-config', 'rpi-preseed.toml'].some((name) =>
    boot.names.includes(name),
  )
  return date !== undefined && date < cloudInit && !others ? [`issue.txt of ${date}`] : []
}

function refuseOtherRuns(boot: BootFiles): void {
  const words = cmdline(boot)
  if (words.length === 0) {
    throw new ProvisionError(
      'it has no cmdline.txt, from which firstrun.sh is started',
      'name the mounted boot partition with --output, or copy its cmdline.txt to the output folder first',
    )
  }
  if (words.includes(ours[0] ?? '')) return
  // Its words are taken out and put back by nobody: none may mean more than what Raspberry Pi Imager writes.
  const other =
    words.find((word) => word.startsWith('systemd.run=') && !word.endsWith(`/${script}`)) ??
    words.find((word) => /^systemd\.run_(success|failure)_action=(?!reboot$|none$)/.test(word)) ??
    words.find((word) => /^systemd\.unit=(?!kernel-command-line\.target$)/.test(word))
  if (other) {
    throw new ProvisionError(
      `its kernel command line runs something else at its first boot: ${other}`,
      `remove that from cmdline.txt, or flash the card without that customisation`,
    )
  }
}

const shebang = /^#!\s*\/(?:usr\/)?bin\/(?:env )?(ba|da)?sh\b/

/**
 * Words for cmdline.txt, and not a pattern that takes them out: another stage, which would have to be started by us.
 */
const follower =
  /systemd\.run=["']?[/$]|\bs(?<mark>[^\w\s\\])(?:(?!\k<mark>).)*run(?:(?!\k<mark>).)*\k<mark>(?!\k<mark>|\\n)[^\n]*cmdline\.txt/

/** Whatever the script does, the seed comes up; but one that cannot run would be lost without a message. */
function refuseBroken(there: string): void {
  const crlf = there.split('\n').findIndex((line) => line.endsWith('\r'))
  if (crlf !== -1)
    throw new ProvisionError(
      `its ${script} has Windows line endings, first in line ${crlf + 1}: no shell runs such a script`,
      'save it with Unix line endings',
    )
  if (!shebang.test(there) || there.includes('\0'))
    throw new ProvisionError(`its ${script} is not a shell script`, 'flash the card without that customisation')
  const follows = there.split('\n').findIndex((line) => !/^\s*#/.test(line) && follower.test(line))
  if (follows !== -1)
    throw new ProvisionError(
      `its ${script} makes the kernel command line run something else after it, in line ${follows + 1}`,
      'use a systemd unit for that, or flash the card without that customisation',
    )
  const syntax = judged(there)
  if (typeof syntax === 'object')
    throw new ProvisionError(
      `its ${script} has a shell syntax error in line ${syntax.line}`,
      'correct it, or flash the card without that customisation',
    )
}

const judged = (there: string): Syntax => syntaxOf(there, shebang.exec(there)?.[1] === 'ba' ? 'bash' : 'sh')

function hostNames(seed: Seed, boot: BootFiles, there = ''): (string | undefined)[] {
  const custom = customToml(boot)
  const wanted = hostName(seed)
  return [
    ...hostNamesIn(`its ${script}`, there, wanted),
    hostNameConflict('its custom.toml', record(custom.system)?.hostname, wanted),
    record(custom.ssh)?.enabled === false ? 'its custom.toml switches sshd off' : undefined,
  ]
}

function withKeyfile(seed: Seed): Seed {
  if (seed.wifi === undefined) return seed
  const path = '/etc/NetworkManager/system-connections/provision-wifi.nmconnection'
  return { ...seed, files: [...seed.files, { path, mode: '0600', content: keyfile(seed.wifi), secret: true }] }
}
