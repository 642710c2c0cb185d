import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'
import { bootStart, fresh, makeImage, run, type Texts, temporary } from './kit.ts'

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
    ['no place', b, 2, 'nothing says where the seed is to be written'],
    ['two places', [...b, '--boot', '/tmp', '--output', '/tmp'], 2, 'the seed can be written to one place only'],
    ['no format', [...b, '--output', '/tmp'], 2, 'a folder does not say what the image reads at its first boot'],
    ['an unknown device', ['--device', 'host-z', '--output', '/tmp'], 2, 'no such host in the inventory: host-z'],
    ['an unknown format', [...b, '--output', '/tmp', '--format', 'kickstart'], 2, 'Invalid values'],
    ['no such image', [...b, '--image', '/nonexistent.img'], 2, '/nonexistent.img: there is no such file'],
  ])('refuses %s, and contacts nobody', (_, words, code, message) => {
    const { said, ...done } = image(words)
    expect(done).toEqual({ code, stdout: '' })
    expect(said).toContain(`provision: error: ${message}`)
  })

  test('says of a wrong image what was found, and leaves it as it was', () => {
    const file = makeImage({ files: { ...fresh['cloud-init'], 'firstrun.sh': '#!/bin/sh\n' } })
    const before = readFileSync(file)
    const { code, said } = image([...b, '--image', file])
    expect(code).toBe(1)
    expect(said.replaceAll(file, 'card.img')).toMatchInlineSnapshot(`
      "provision: error: partition 1 of card.img: it is set up in two ways that exclude each other: cloud-init (meta-data, user-data, network-config) and firstrun (firstrun.sh)
      provision: hint: flash it again without customisation; Raspberry Pi Imager before 2.0 writes what newer systems do not read
      "
    `)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  test('finds a full card before any gateway is told', () => {
    const file = makeImage({ fat: 16, files: fresh['cloud-init'] })
    const at = `${file}@@${bootStart}`
    const left = /([\d ]+) bytes free/.exec(run('mdir', ['-i', at, '::']).toString())?.[1]?.replaceAll(/\D/g, '')
    run('mcopy', ['-i', at, '-', '::FILL.BIN'], Buffer.alloc(Number(left) - 4096))
    const before = readFileSync(file)
    const { code, said } = image([...b, '--image', file])
    expect([code, said]).toEqual([1, expect.stringContaining('the boot partition has no room for provision-seed.sh')])
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  const cards = [
    ['read-only', 'mount -o remount,ro tmpfs', 'it cannot be written to (EROFS)'],
    ['full', 'dd if=/dev/zero of=FILL bs=1k 2>/dev/null || : ', 'it has no room: '],
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
      said: expect.stringContaining('LAB_WIFI can be none'),
    })
    const conflict = image(words, { LAB_WIFI: 'correct horse' })
    expect(conflict.code).toBe(1)
    expect(conflict.said).toContain('its network-config has another passphrase for the Wi-Fi network "the lab"')
    expect(conflict.said).not.toMatch(/correct horse|other\b(?! passphrase| customisation)/)
  })
})
