import { isSeq } from 'yaml'
import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../boot-files.ts'
import type { Seed } from '../seed.ts'
import { hostName, boot as mountedAt, seedFile, seedScript, startSeedOnceMounted } from '../seed-script.ts'
import { type Format, hostNameConflict, record, refuseConflicts } from './format.ts'
import { networkConfig } from './network-config.ts'
import { again, parsed, setIn } from './yaml.ts'

const names = ['meta-data', 'user-data', 'network-config']
const kernelSign = /^ds=nocloud/

/**
 * cloud-init's NoCloud on the boot partition: Raspberry Pi OS since November 2025, and Ubuntu for the Pi.
 *
 * `bootcmd` and no other module starts the seed: it runs at every boot, where `users` and `write_files` run once and may
 * leave empty files behind a power cut, and minutes before `runcmd`, which waits for a network that may never be "online".
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
    checkSource(boot)
    const network = networkConfig(seed, boot)
    const user = userData(seed, boot)
    refuseConflicts([...user.conflicts, ...network.conflicts])
    return [
      seedScript(seed, 'cloud-init'),
      { name: 'user-data', content: user.content },
      { name: 'meta-data', content: metaData(seed, boot) },
      ...(network.content === undefined ? [] : [{ name: 'network-config', content: network.content }]),
    ]
  },
}

function checkSource(boot: BootFiles): void {
  const source = cmdline(boot)
    .find((word) => kernelSign.test(word))
    ?.split(';')
    .find((setting) => /^(s|seedfrom)=/.test(setting))
    ?.replace(/^.*?=/, '')
  if (source === undefined || source.replace(/^file:\/\//, '').replace(/\/$/, '') === mountedAt) return
  throw new ProvisionError(
    `its kernel command line has cloud-init read ${source}, and not the boot partition`,
    'take ds=nocloud… out of cmdline.txt, or flash it without that customisation',
  )
}

function userData(seed: Seed, boot: BootFiles): { content: string; conflicts: readonly (string | undefined)[] } {
  const text = boot.text('user-data') ?? ''
  const header = text.split('\n', 1)[0]?.trimEnd() ?? ''
  if (text.trim() !== '' && header !== '#cloud-config') {
    throw new ProvisionError(
      `its user-data is no #cloud-config: it begins with ${JSON.stringify(header.slice(0, 40))}`,
      'only #cloud-config can be merged with: flash it without that customisation',
    )
  }
  const document = parsed('user-data', text === '' ? '#cloud-config\n' : text)
  const there = record(document.toJS()) ?? {}
  const wanted = hostName(seed)
  const commands = there.bootcmd ?? []
  if (!Array.isArray(commands)) throw new ProvisionError('the bootcmd of its user-data is no list', again)
  if (there.hostname === undefined || there.hostname === null) setIn(document, ['hostname'], wanted)
  // A seed may bring host keys: another instance-id is no reason to throw them away.
  if (there.ssh_deletekeys === undefined) setIn(document, ['ssh_deletekeys'], false)
  if (!commands.some((command) => JSON.stringify(command).includes(seedFile))) {
    const start = document.createNode(['sh', '-c', startSeedOnceMounted.text], { flow: true })
    const list = document.get('bootcmd')
    if (isSeq(list)) list.items.unshift(start)
    else setIn(document, ['bootcmd'], [['sh', '-c', startSeedOnceMounted.text]])
  }
  return {
    content: withHeader(document.toString({ lineWidth: 0 })),
    conflicts: [
      hostNameConflict('its user-data', there.hostname, wanted),
      hostNameConflict('its user-data', there.fqdn, wanted),
    ],
  }
}

function metaData(seed: Seed, boot: BootFiles): string {
  const document = parsed('meta-data', boot.text('meta-data') ?? '')
  const there = record(document.toJS()) ?? {}
  // The images' own file says instance_id, which NoCloud does not read.
  if (there['instance-id'] === undefined) setIn(document, ['instance-id'], `provision-${seed.device}`)
  return document.toString({ lineWidth: 0 })
}

function withHeader(text: string): string {
  return text.startsWith('#cloud-config\n') ? text : `#cloud-config\n${text.replace(/^#cloud-config\n/m, '')}`
}
