import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fresh, run, type Texts, temporary, withWifi } from '../kit.ts'
import { files, refusal } from './files.ts'

describe('cloud-init', () => {
  const made = (boot: Texts = fresh['cloud-init'], of = withWifi) => files('cloud-init', boot, of)
  /** As cloud-init's own parser reads it. */
  const read = (text = ''): unknown =>
    JSON.parse(
      run(
        '/usr/bin/python3',
        ['-c', 'import sys, yaml, json; print(json.dumps(yaml.safe_load(sys.stdin)))'],
        text,
      ).toString(),
    )
  const imager = {
    'user-data': `#cloud-config
hostname: host-a
manage_etc_hosts: true
timezone: Asia/Tokyo
keyboard:
  model: pc105
  layout: "jp"
enable_ssh: true
users:
- name: somebody
  groups: users,sudo
  shell: /bin/bash
  lock_passwd: false
  passwd: $5$salt$hash
bootcmd:
  - [ touch, /run/theirs ]
runcmd:
  - [ rfkill, unblock, wifi ]
`,
    'meta-data': 'instance-id: rpi-imager-1764835200000\n',
    'network-config': `network:
  version: 2
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "DE"
      access-points:
        "home":
          password: "${'ab'.repeat(32)}"
`,
    'cmdline.txt': 'console=tty1 ds=nocloud;i=rpi-imager-1764835200000\n',
  }

  test.each(['fresh', 'imager'] as const)('a seed on a card that is %s passes `cloud-init schema`', (which) => {
    const path = join(temporary(), 'user-data')
    writeFileSync(path, made(which === 'fresh' ? fresh['cloud-init'] : imager)['user-data'] ?? '')
    expect(run('cloud-init', ['schema', '--config-file', path]).toString()).toMatch(/^Valid/)
  })

  test('what Raspberry Pi Imager has customised stays, and the seed comes first', () => {
    const now = made(imager)
    const before = read(imager['user-data']) as { bootcmd: unknown[] }
    expect(read(now['user-data'])).toEqual({
      ...before,
      ssh_deletekeys: false,
      bootcmd: [
        [
          'sh',
          '-c',
          'test -e /boot/firmware/provision-seed.sh || systemctl start boot-firmware.mount; ' +
            'test ! -e /boot/firmware/provision-seed.sh || sh /boot/firmware/provision-seed.sh',
        ],
        ...before.bootcmd,
      ],
    })
    expect(now['meta-data']).toBe(imager['meta-data'])
    expect(read(now['network-config'])).toEqual({
      network: {
        version: 2,
        wifis: {
          wlan0: {
            dhcp4: true,
            'regulatory-domain': 'DE',
            'access-points': { home: { password: 'ab'.repeat(32) }, 'the lab': { password: 'correct horse' } },
          },
        },
      },
    })
  })

  test('the id that NoCloud reads is set where the image has another word for it', () => {
    expect(read(made()['meta-data'])).toEqual({
      dsmode: 'local',
      instance_id: 'rpios-image',
      'instance-id': 'provision-host-a.lan.internal',
    })
  })

  test('the network is known already, with its passphrase or with the key made of it', () => {
    const network = (password: string) =>
      `version: 2\nwifis:\n  wlan1:\n    access-points:\n      the lab: { password: "${password}" }\n`
    const derived = 'c3b0f8d1'
    expect(refusal('cloud-init', { ...imager, 'network-config': network(`wrong ${derived}`) })).toBe(
      'its customisation contradicts the inventory: its network-config has another passphrase for the Wi-Fi network "the lab"',
    )
    expect(read(made({ ...imager, 'network-config': network('correct horse') })['network-config'])).toEqual({
      version: 2,
      wifis: { wlan1: { 'access-points': { 'the lab': { password: 'correct horse' } }, 'regulatory-domain': 'DE' } },
    })
  })

  test.each([
    [
      'another name',
      { 'user-data': '#cloud-config\nhostname: pi\n' },
      'its user-data sets the host name "pi", the inventory "host-a"',
    ],
    [
      'another country',
      { 'network-config': 'version: 2\nwifis: {wlan0: {regulatory-domain: JP}}\n' },
      'its network-config sets the Wi-Fi country to "JP", the inventory to "DE"',
    ],
    [
      'a script',
      { 'user-data': '#!/bin/sh\nrm -rf /\n' },
      'its user-data is not a #cloud-config file: it begins with "#!/bin/sh"',
    ],
    [
      'another name in meta-data',
      { 'meta-data': 'local-hostname: raspberrypi\n' },
      'its meta-data sets the host name "raspberrypi", the inventory "host-a"',
    ],
    [
      'another name by a command',
      { 'user-data': '#cloud-config\nruncmd:\n- [ hostnamectl, set-hostname, pi ]\n' },
      'its user-data sets the host name "pi", the inventory "host-a" (line 3)',
    ],
    [
      'another name in a file',
      { 'user-data': '#cloud-config\nwrite_files:\n- path: /etc/hostname\n  content: pi\n' },
      'its user-data writes /etc/hostname (line 3)',
    ],
    [
      'no networks',
      { 'network-config': 'network: {config: disabled}\n' },
      'its network-config switches off network setup by cloud-init, but the inventory has a Wi-Fi network for this device',
    ],
    [
      'no networks, by the kernel',
      { 'cmdline.txt': 'quiet network-config=disabled\n' },
      'its kernel command line says network-config=disabled, but the inventory has a Wi-Fi network for this device',
    ],
    [
      'no cloud-init',
      { 'cmdline.txt': 'quiet cloud-init=disabled\n' },
      'its kernel command line switches cloud-init off: cloud-init=disabled',
    ],
    [
      'another source',
      { 'cmdline.txt': 'quiet ds=None\n' },
      'its kernel command line makes cloud-init read its files from another place than the boot partition: ds=None',
    ],
    [
      'no bootcmd',
      { 'user-data': '#cloud-config\ncloud_init_modules: [write-files]\n' },
      'cloud_init_modules in its user-data does not contain bootcmd, which starts the seed',
    ],
    [
      'a list that another one repeats',
      { 'user-data': '#cloud-config\nbootcmd: &all\n- [a]\nruncmd: *all\n' },
      'nothing can be added to &all in its user-data in its present form',
    ],
    [
      'a list that is merged in',
      { 'user-data': '#cloud-config\n<<: {bootcmd: [[a]]}\n' },
      'nothing can be added to bootcmd in its user-data in its present form',
    ],
    ['broken YAML', { 'user-data': '#cloud-config\nusers: [\n' }, 'its user-data is not valid YAML, in line 3'],
    ['a list', { 'meta-data': '- a\n' }, 'its meta-data is not a YAML mapping'],
    [
      'an old network',
      { 'network-config': 'version: 1\nconfig: []\n' },
      'its network-config has version 1, and Wi-Fi can only be added to version 2',
    ],
    [
      'commands that are none',
      { 'user-data': '#cloud-config\nbootcmd: reboot\n' },
      'bootcmd in its user-data is not a list',
    ],
    [
      'a seed from elsewhere',
      { 'cmdline.txt': 'quiet ds=nocloud;s=http://192.0.2.1/\n' },
      'its kernel command line makes cloud-init read http://192.0.2.1/ instead of the boot partition',
    ],
  ])('%s is refused by name', (_, boot, message) => {
    expect(refusal('cloud-init', { ...fresh['cloud-init'], ...boot })).toContain(message)
  })
})
