import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { BootFiles } from '../../src/image/medium/boot-files.ts'
import type { Seed } from '../../src/image/seed/seed.ts'

/** What a real seed has of everything. */
export const seed: Seed = {
  device: 'host-a.lan.internal',
  mark: { inventory: 'k7w2m9qd' },
  accounts: [
    { name: 'admin', authorizedKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdmin admin@host001'], sudo: true },
    { name: 'guest', authorizedKeys: [], sudo: false },
  ],
  files: [
    { path: '/etc/reverse-tunnel/known_hosts', mode: '0644', content: 'ssh-gw ssh-ed25519 AAAA\n', secret: false },
    { path: '/etc/reverse-tunnel/enrolment/key', mode: '0600', content: "one-time 'key'\n$HOME \\n\n", secret: true },
  ],
  program: { path: '/etc/reverse-tunnel/first-boot', content: '#!/bin/sh\necho enrolled\n' },
}

export const withWifi: Seed = { ...seed, wifi: { ssid: 'the lab', passphrase: 'correct horse', country: 'DE' } }

export type Texts = Readonly<Record<string, string>>

export const bootOf = (files: Texts): BootFiles => ({ names: Object.keys(files).sort(), text: (name) => files[name] })

/** What the cards of the three formats have on them when they were just flashed. */
export const fresh = {
  'cloud-init': {
    'cmdline.txt': 'console=tty1 root=PARTUUID=1-02 rootfstype=ext4 fsck.repair=yes rootwait quiet\n',
    'config.txt': 'dtparam=audio=on\n',
    'issue.txt': 'Raspberry Pi reference 2025-12-04\nGenerated using pi-gen, stage2\n',
    'meta-data': '# NoCloud\n\ndsmode: local\n\ninstance_id: rpios-image\n',
    'network-config': '# netplan\n\n#network:\n#  version: 2\n',
    'user-data': '#cloud-config\n\n# All of it is a comment.\n#hostname: raspberrypi\n',
  },
  firstrun: {
    'cmdline.txt': 'console=tty1 root=PARTUUID=1-02 rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n',
    'config.txt': 'dtparam=audio=on\n',
    'issue.txt': 'Raspberry Pi reference 2025-05-13\nGenerated using pi-gen, stage2\n',
  },
  'rpi-preseed': {
    'cmdline.txt': 'console=tty1 root=PARTUUID=1-02 rootwait quiet\n',
    'config.txt': 'dtparam=audio=on\n',
    'rpi-preseed.toml': 'config_version = "1.0"\n\n[locale]\ntimezone = "Asia/Tokyo"\n',
  },
} satisfies Record<string, Texts>

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'provision-image-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface ImageOptions {
  readonly table?: 'dos' | 'gpt'
  readonly fat?: 16 | 32
  readonly files?: Texts
  /** What the first partition is called in the table. */
  readonly type?: string
}

/** Where the first partition of such an image begins, in bytes. */
export const bootStart = 8 << 20

/** The image of a card as they are flashed: a FAT partition at 8 MiB, and another partition with text in it. */
export function makeImage({ table = 'dos', fat = 32, files = {}, type }: ImageOptions = {}): string {
  const image = join(temporary(), 'card.img')
  writeFileSync(image, '')
  truncateSync(image, 64 << 20)
  const kind = type ?? (table === 'dos' ? 'c' : 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7')
  const linux = table === 'dos' ? '83' : 'L'
  run(
    'sfdisk',
    ['-q', image],
    `label: ${table}\nstart=8MiB, size=40MiB, type=${kind}\nstart=48MiB, size=8MiB, type=${linux}\n`,
  )
  run('mkfs.vfat', ['-F', String(fat), '-n', 'bootfs', '--offset', String(bootStart / 512), image, String(40 << 10)])
  for (const [name, content] of Object.entries(files))
    run('mcopy', ['-i', `${image}@@${bootStart}`, '-', `::${name}`], content)
  return image
}

export function run(command: string, words: readonly string[], input: string | Buffer = ''): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    input,
    env: { ...process.env, MTOOLS_SKIP_CHECK: '1' },
  })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error ?? stderr.toString()}`)
  return stdout
}

export const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
