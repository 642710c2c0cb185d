import { createHash } from 'node:crypto'
import { printMark } from '../../resources/mark.ts'
import { program, whole } from '../../shell/program.ts'
import { lines, sh } from '../../shell/sh.ts'
import type { BootFile } from '../medium/boot-files.ts'
import runner from './runner.sh'
import type { Seed } from './seed.ts'

export type FormatName = 'cloud-init' | 'firstrun' | 'rpi-preseed'

/** Where all three formats mount the FAT partition. */
export const boot = '/boot/firmware'

/** The one file of a seed that holds secrets; gone, and overwritten, when the first boot has succeeded. */
export const seedFile = 'provision-seed.sh'

export const seedPath = `${boot}/${seedFile}`

/**
 * What a format has the system run as root while it boots for the first time; it may be asked for again later. No
 * brackets: early versions of rpi-preseed end its list of commands at the first one.
 */
export const startSeed = sh`test ! -e ${seedPath} || sh ${seedPath}`

/** … so early that the partition may not be mounted yet. */
export const startSeedOnceMounted = sh`test -e ${seedPath} || systemctl start boot-firmware.mount; ${startSeed}`

export function hostName(seed: Seed): string {
  return seed.device.split('.', 1)[0] ?? seed.device
}

/**
 * The seed as a shell program that needs nothing beside it. Cut short anywhere it does nothing.
 * The same seed makes the same text.
 */
export function seedScript(seed: Seed, format: FormatName): BootFile {
  const parts = lines(
    sh`format=${format}`,
    sh`boot=${boot}`,
    sh`host_name=${hostName(seed)}`,
    sh`first_user() { printf %s ${seed.accounts.find(({ name }) => name !== 'root')?.name ?? ''}; }`,
    sh`mark=${printMark(seed.mark)}`,
    sh`wifi=${seed.wifi ? 'yes' : 'no'}`,
    sh`wifi_country=${seed.wifi?.country ?? ''}`,
    sh`program=${seed.program.path}`,
    sh`program_text=${seed.program.content}`,
    sh`accounts() {`,
    ...seed.accounts.map(
      ({ name, sudo, authorizedKeys }) => sh`account ${name} ${sudo ? 'yes' : 'no'} ${authorizedKeys} || return`,
    ),
    sh`:; }`,
    sh`files() {`,
    ...seed.files.map(({ path, mode, content }) => sh`put ${path} ${mode} ${content} || return`),
    sh`:; }`,
    program(runner),
  )
  const id = createHash('sha256').update(parts.text).digest('hex').slice(0, 16)
  const script = whole(lines(sh`id=${id}`, parts))
  return {
    name: seedFile,
    content: `#!/bin/sh\n# Sets up ${seed.device} at its first boot. Made by provision; holds secrets.\n${script}`,
  }
}
