import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'
import { bootStart, fresh, hash, makeImage, run, type Texts, temporary } from './kit.ts'

beforeAll(build)

const inventory = {
  login: { user: 'admin', identityFile: '/nonexistent' },
  gateways: { 'ssh-gw': { address: '192.0.2.1' } },
  devices: {
    'host-a.lan.internal': {
      forwards: ['9022:localhost:22'],
      wifi: { ssid: 'the lab', passphrase: 'env:LAB_WIFI', country: 'DE' },
    },
    'host-b.lan.internal': { forwards: ['9023:localhost:22'] },
  },
}

function folder(files: Texts = {}) {
  const path = temporary()
  writeFileSync(join(path, 'inventory.json'), JSON.stringify(inventory))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}

const image = (words: readonly string[], env: Record<string, string> = {}) => {
  const { code, stderr, stdout } = provision(['image', join(folder(), 'inventory.json'), ...words], { env })
  return { code, said: stderr, stdout }
}

const b = ['--device', 'host-b.lan.internal']

describe('provision image', () => {
  test.each<[string, string[], number, string]>([
    ['no place', b, 2, 'expected a place to write the seed to'],
    ['two places', [...b, '--boot', '/tmp', '--output', '/tmp'], 2, 'the seed can be written to one place only'],
    ['no format', [...b, '--output', '/tmp'], 2, 'a folder does not show what the image reads at its first boot'],
    ['an unknown device', ['--device', 'host-z', '--output', '/tmp'], 2, 'no such host in the inventory: host-z'],
    ['an unknown format', [...b, '--output', '/tmp', '--format', 'kickstart'], 2, 'Invalid values'],
    ['no such image', [...b, '--image', '/nonexistent.img'], 2, '/nonexistent.img: there is no such file'],
  ])('refuses %s, and contacts nobody', (_, words, code, message) => {
    const { said, ...done } = image(words)
    expect(done).toEqual({ code, stdout: '' })
    expect(said).toContain(`provision: error: ${message}`)
  })

  const wrong: [string, () => string, string][] = [
    [
      'set up in two ways',
      () => makeImage({ files: { ...fresh['cloud-init'], 'firstrun.sh': '#!/bin/sh\n' } }),
      `partition 1 of card.img: it is set up for two formats that exclude each other: cloud-init (meta-data, user-data, network-config) and firstrun (firstrun.sh)
provision: hint: flash the card again without customisation; Raspberry Pi Imager before 2.0 writes files that newer systems do not read`,
    ],
    [
      'without a boot partition',
      () => makeImage({ files: { 'holiday.txt': 'sun\n' } }),
      `card.img: it has no boot partition of a Pi: its partitions are 1 (FAT with holiday.txt in it, 40 MiB), 2 (not FAT, 8 MiB)
provision: hint: name the image of a whole card of Raspberry Pi OS or Ubuntu`,
    ],
    [
      'with a GPT that has none',
      () => makeImage({ table: 'gpt', files: fresh.firstrun, type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4' }),
      `card.img: it has no boot partition of a Pi: its partitions are 1 (not FAT, 40 MiB), 2 (not FAT, 8 MiB)
provision: hint: name the image of a whole card of Raspberry Pi OS or Ubuntu`,
    ],
    [
      'truncated',
      () => {
        const file = makeImage({ files: fresh['cloud-init'] })
        truncateSync(file, 20 << 20)
        return file
      },
      `card.img: it ends after 20971520 bytes, inside partition 1, which ends at 50331648
provision: hint: it was not copied or unpacked completely: download it again, and compare its checksum`,
    ],
    [
      'full',
      () => {
        const file = makeImage({ fat: 16, files: fresh['cloud-init'] })
        const at = `${file}@@${bootStart}`
        const left = /([\d ]+) bytes free/.exec(run('mdir', ['-i', at, '::']).toString())?.[1]?.replaceAll(/\D/g, '')
        run('mcopy', ['-i', at, '-', '::FILL.BIN'], Buffer.alloc(Number(left) - 4096))
        return file
      },
      `partition 1 of card.img: the boot partition has too little space for provision-seed.sh
provision: hint: remove what does not belong there, or flash the card again`,
    ],
  ]
  test.each(wrong)(
    'says of an image %s what was found, before any gateway is told, and leaves it as it was',
    (_, make, message) => {
      const file = make()
      const before = hash(file)
      const { said, ...done } = image([...b, '--image', file])
      expect(said.replaceAll(file, 'card.img')).toBe(`provision: error: ${message}\n`)
      expect(done).toEqual({ code: 1, stdout: '' })
      expect(hash(file)).toBe(before)
    },
  )

  test.each<[string, Texts, string]>([
    [
      'no boot partition of a Pi',
      { 'holiday.txt': 'sun\n' },
      'the format of its first boot was not recognised: it holds holiday.txt\nprovision: hint: name the format with --format, if you know it',
    ],
    [
      'set up in two ways',
      { ...fresh['rpi-preseed'], 'user-data': '#cloud-config\n' },
      'it is set up for two formats that exclude each other: cloud-init (user-data) and rpi-preseed (rpi-preseed.toml)\nprovision: hint: flash the card again without customisation; Raspberry Pi Imager before 2.0 writes files that newer systems do not read',
    ],
    [
      'Raspberry Pi OS (Legacy) bullseye',
      { ...fresh.firstrun, 'kernel8.img': 'x' },
      'its kernels (kernel8.img) have no initramfs beside them, so it is older than bookworm (its issue.txt is dated 2025-05-13); bullseye mounts its FAT partition at /boot, but the seed is started from /boot/firmware/provision-start.sh\nprovision: hint: flash a newer Raspberry Pi OS',
    ],
    [
      'with a script that no shell can parse',
      { ...fresh.firstrun, 'firstrun.sh': '#!/bin/bash\nif true; then\nrm -f /boot/firstrun.sh\n' },
      'its firstrun.sh has a shell syntax error in line 4\nprovision: hint: correct it, or flash the card without that customisation',
    ],
    [
      'with cloud-init switched off',
      { ...fresh['cloud-init'], 'cmdline.txt': 'quiet cloud-init=disabled\n' },
      'its kernel command line switches cloud-init off: cloud-init=disabled\nprovision: hint: remove that from cmdline.txt, or flash the card without that customisation',
    ],
    [
      'called something else',
      { ...fresh['cloud-init'], 'meta-data': 'local-hostname: raspberrypi\n' },
      'its customisation contradicts the inventory: its meta-data sets the host name "raspberrypi", the inventory "host-b"\nprovision: hint: flash the card without that customisation, or change the inventory',
    ],
    [
      'of rpi-preseed, and not customised',
      { 'cmdline.txt': 'quiet resize\n', 'config.txt': '' },
      'the format of its first boot was not recognised: it holds cmdline.txt, config.txt\nprovision: hint: name the format with --format, if you know it; an rpi-preseed image without customisation does not show its format',
    ],
  ])('says of a mounted card that is %s what was found, and leaves it as it was', (_, files, message) => {
    const card = temporary()
    for (const [name, content] of Object.entries(files)) writeFileSync(join(card, name), content)
    expect(image([...b, '--boot', card])).toEqual({
      code: 1,
      stdout: '',
      said: `provision: error: ${card}: ${message}\n`,
    })
    expect(Object.fromEntries(readdirSync(card).map((name) => [name, readFileSync(join(card, name), 'utf8')]))).toEqual(
      files,
    )
  })

  // Root may write to every file; not to one on a read-only file system.
  test('finds an image that is read-only', () => {
    const path = folder()
    const file = makeImage({ files: fresh['cloud-init'] })
    const script = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
node bin/provision.js image "$2" --device host-b.lan.internal --image "$1/card.img"
echo "code $?"`
    const own = process.getuid?.() === 0 ? ['-m'] : ['-rm']
    const before = hash(file)
    const words = [...own, 'sh', '-c', script, 'sh', dirname(file), join(path, 'inventory.json')]
    const { stdout, stderr } = spawnSync('unshare', words, { cwd: root })
    expect(stdout.toString()).toBe('code 2\n')
    expect(stderr.toString()).toBe(
      `provision: error: ${file} cannot be written to (EROFS)\nprovision: hint: copy it to a folder where you may write\n`,
    )
    expect(hash(file)).toBe(before)
  })

  const cards = [
    ['read-only', 'mount -o remount,ro tmpfs', 'it cannot be written to (EROFS)'],
    ['full', 'dd if=/dev/zero of=FILL bs=1k 2>/dev/null || : ', 'it has too little space: '],
  ] as const
  test.each(cards)('finds a mounted card that is %s, too', (_, make, message) => {
    const path = folder()
    const script = `mount -t tmpfs -o size=128k tmpfs ${path}/card 2>&1 || exit 77
cd ${path}/card
for file in ${path}/fresh/*; do cp "$file" .; done
${make.replace('tmpfs', `${path}/card`)}
before=$(sha256sum * | sha256sum)
cd ${root}
node bin/provision.js image ${path}/inventory.json --device host-b.lan.internal --boot ${path}/card
echo "code $?"
cd ${path}/card
[ "$before" = "$(sha256sum * | sha256sum)" ] && echo 'as it was'`
    run('mkdir', [`${path}/card`, `${path}/fresh`])
    for (const [name, content] of Object.entries(fresh['cloud-init'])) writeFileSync(join(path, 'fresh', name), content)
    const own = process.getuid?.() === 0 ? ['-m'] : ['-rm']
    const { stdout, stderr } = spawnSync('unshare', [...own, 'sh', '-c', script])
    expect(stdout.toString()).toBe('code 1\nas it was\n')
    expect(stderr.toString()).toContain(`provision: error: ${path}/card: ${message}`)
  })

  test('takes the passphrase of a network from where it is kept, and says it to nobody', () => {
    const card = folder({
      ...fresh['cloud-init'],
      'network-config': 'version: 2\nwifis: {wlan0: {access-points: {the lab: {password: other}}}}\n',
    })
    const words = ['--device', 'host-a.lan.internal', '--boot', card]
    expect(image(words)).toMatchObject({
      code: 2,
      said: expect.stringContaining('the environment variable LAB_WIFI is not set or empty'),
    })
    expect(image(words, { LAB_WIFI: 'short' })).toMatchObject({
      code: 2,
      said: expect.stringContaining('LAB_WIFI is not valid'),
    })
    const conflict = image(words, { LAB_WIFI: 'correct horse' })
    expect(conflict.code).toBe(1)
    expect(conflict.said).toContain('its network-config has another passphrase for the Wi-Fi network "the lab"')
    expect(conflict.said).not.toMatch(/correct horse|other\b(?! passphrase| customisation)/)
  })
})
