import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../medium/boot-files.ts'
import type { Seed } from '../seed/seed.ts'
import { hostName, boot as mountedAt, seedFile, seedScript, startSeedOnceMounted } from '../seed/seed-script.ts'
import { type Format, hostNameConflict, refuseConflicts } from './format.ts'
import { hostNamesIn } from './host-name.ts'
import { refuseKernelLine, refuseWord } from './kernel-line.ts'
import { networkConfig } from './network-config.ts'
import { added, again, contentsOf, prepended } from './yaml.ts'

const names = ['meta-data', 'user-data', 'network-config']
const kernelSign = /^ds=nocloud/

/**
 * cloud-init's NoCloud on the boot partition: Raspberry Pi OS since November 2025, and Ubuntu for the Pi.
 *
 * `bootcmd` and no other module starts the seed: it runs at every boot, where `users` and `write_files` run once and
 * may leave empty files behind a power cut, and minutes before `runcmd`, which waits for a network that may never be
 * "online".
 */
export const cloudInit: Format = {
  name: 'cloud-init',
  signs: (boot) => [
    ...names.filter((name) => boot.names.includes(name)),
    ...cmdline(boot)
      .filter((word) => kernelSign.test(word))
      .map((word) => `${word.replace(/=.*?(;|$)/, '=nocloud$1')} in cmdline.txt`),
  ],
  files(seed, boot) {
    refuseKernelLine(boot)
    checkSource(boot)
    const network = networkConfig(seed, boot)
    const user = userData(seed, boot)
    const meta = metaData(seed, boot)
    refuseConflicts([...user.conflicts, ...meta.conflicts, ...network.conflicts])
    return [
      seedScript(seed, 'cloud-init'),
      { name: 'user-data', content: user.content },
      { name: 'meta-data', content: meta.content },
      ...(network.content === undefined ? [] : [{ name: 'network-config', content: network.content }]),
    ]
  },
}

function checkSource(boot: BootFiles): void {
  const words = cmdline(boot)
  refuseWord(
    words.find((word) => word === 'cloud-init=disabled'),
    'switches cloud-init off',
  )
  refuseWord(
    words.find((word) => /^(ci\.)?ds=(?!nocloud)/i.test(word)),
    'makes cloud-init read its files from another place than the boot partition',
  )
  const source = words
    .find((word) => kernelSign.test(word))
    ?.split(';')
    .find((setting) => /^(s|seedfrom)=/.test(setting))
    ?.replace(/^.*?=/, '')
  if (source === undefined || source.replace(/^file:\/\//, '').replace(/\/$/, '') === mountedAt) return
  throw new ProvisionError(
    `its kernel command line makes cloud-init read ${source} instead of the boot partition`,
    'remove ds=nocloud… from cmdline.txt, or flash the card without that customisation',
  )
}

interface Merged {
  readonly content: string
  readonly conflicts: readonly (string | undefined)[]
}

function userData(seed: Seed, boot: BootFiles): Merged {
  const there = boot.text('user-data') ?? ''
  refuseOther(there)
  let yaml = { name: 'user-data', text: there.trim() === '' ? '#cloud-config\n' : there }
  const value = contentsOf(yaml)
  const wanted = hostName(seed)
  if (!Array.isArray(value.bootcmd ?? [])) throw new ProvisionError('bootcmd in its user-data is not a list', again)
  if (!JSON.stringify(value.bootcmd ?? []).includes(seedFile))
    yaml = prepended(yaml, 'bootcmd', ['sh', '-c', startSeedOnceMounted.text])
  // A seed may bring host keys: another instance-id is no reason to throw them away.
  if (value.ssh_deletekeys === undefined) yaml = added(yaml, ['ssh_deletekeys'], false)
  if (value.hostname === undefined || value.hostname === null) yaml = added(yaml, ['hostname'], wanted)
  const modules = value.cloud_init_modules
  return {
    content: yaml.text,
    conflicts: [
      hostNameConflict('its user-data', value.hostname, wanted),
      hostNameConflict('its user-data', value.fqdn, wanted),
      ...hostNamesIn('its user-data', there, wanted),
      Array.isArray(modules) && !JSON.stringify(modules).includes('"bootcmd"')
        ? 'cloud_init_modules in its user-data does not contain bootcmd, which starts the seed'
        : undefined,
    ],
  }
}

/**
 * cloud-init goes by how it begins, behind blank space and in letters of any case; the rest of that line is a comment.
 */
function refuseOther(text: string): void {
  const begin = /^\s*/.exec(text)?.[0].includes('\ufeff') ? text : text.trimStart()
  if (
    text.trim() === '' ||
    (/^#cloud-config(?!-archive|-jsonp)/i.test(begin) && !/mime-version:/i.test(text.slice(0, 4096)))
  )
    return
  throw new ProvisionError(
    `its user-data is not a #cloud-config file: it begins with ${JSON.stringify(begin.split('\n', 1)[0]?.trimEnd().slice(0, 40))}`,
    'the seed can only be added to #cloud-config: flash the card without that customisation',
  )
}

function metaData(seed: Seed, boot: BootFiles): Merged {
  const yaml = { name: 'meta-data', text: boot.text('meta-data') ?? '' }
  const value = contentsOf(yaml)
  // The images' own file says instance_id, which NoCloud does not read.
  const { text } = value['instance-id'] === undefined ? added(yaml, ['instance-id'], `provision-${seed.device}`) : yaml
  return { content: text, conflicts: [hostNameConflict('its meta-data', value['local-hostname'], hostName(seed))] }
}
