import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse as parseToml } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { formatNames, formatOf } from '../../src/image/detect.ts'
import { refuseConflicts } from '../../src/image/formats/format.ts'
import type { Seed } from '../../src/image/seed.ts'
import type { FormatName } from '../../src/image/seed-script.ts'
import { bootOf, fresh, run, seed, type Texts, temporary, withWifi } from './kit.ts'

const files = (name: FormatName, boot: Texts, of: Seed = withWifi): Texts =>
  Object.fromEntries(
    formatOf(name)
      .files(of, bootOf(boot))
      .map(({ name, content }) => [name, content]),
  )
const refusal = (name: FormatName, boot: Texts, of: Seed = withWifi) => {
  try {
    files(name, boot, of)
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}
interface Networks {
  readonly network: { readonly wifis: Readonly<Record<string, { readonly 'access-points': object }>> }
}

const golden = join(import.meta.dirname, '../golden/image')

describe.each(formatNames)('the seed of one device for a fresh %s card', (name) => {
  test('is what its golden files say', async () => {
    for (const [file, content] of Object.entries(files(name, fresh[name]))) {
      await expect(content).toMatchFileSnapshot(join(golden, name, file))
    }
  })

  test('written twice is the same as written once', () => {
    const once = files(name, fresh[name])
    expect(files(name, { ...fresh[name], ...once })).toEqual(once)
  })

  test('keeps its secrets in one file, but for what joins a network before that one can run', () => {
    const made = files(name, fresh[name])
    const holders = (secret: string) => Object.keys(made).filter((file) => made[file]?.includes(secret))
    expect(holders('one-time')).toEqual(['provision-seed.sh'])
    expect(holders('correct horse')).toEqual([
      name === 'cloud-init' ? 'network-config' : name === 'firstrun' ? 'provision-seed.sh' : 'rpi-preseed.toml',
    ])
  })

  test('without Wi-Fi says nothing of networks', () => {
    expect(JSON.stringify(files(name, fresh[name], seed))).not.toMatch(/wlan|wifis|system-connections/)
  })

  test('is shell that dash, busybox and shellcheck have nothing against, and nothing when it was cut short', () => {
    const script = files(name, fresh[name])['provision-seed.sh'] ?? ''
    run('dash', ['-n'], script)
    run('busybox', ['ash', '-n'], script)
    const path = join(temporary(), 'seed.sh')
    // SC2016: what quote writes.
    writeFileSync(path, script)
    run('shellcheck', ['-s', 'sh', '-e', 'SC2016', path])
    for (let at = 0; at < script.length; at += 331) {
      expect(run('sh', ['-c', 'dash 2>/dev/null || :'], script.slice(0, at)).toString()).toBe('')
    }
    expect(existsSync('/var/lib/provision/first-boot')).toBe(false)
  })
})

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
      'what is customised on it contradicts the inventory: its network-config has another passphrase for the Wi-Fi network "the lab"',
    )
    expect(read(made({ ...imager, 'network-config': network('correct horse') })['network-config'])).toEqual({
      version: 2,
      wifis: { wlan1: { 'access-points': { 'the lab': { password: 'correct horse' } }, 'regulatory-domain': 'DE' } },
    })
  })

  test('any name and passphrase reach cloud-init as they are', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '<<',
        'a<<b',
        '__proto__',
        'toString',
        'NO',
        'yes',
        '0x1234567',
        '12:30:45:12',
        '~',
        '1e3',
        '2026-11-24',
        '=',
        "'",
        '"',
        ': #',
        '- a',
      ),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 32 }),
    )
    const settings = fc.array(fc.record({ ssid: word, passphrase: word, country: fc.constantFrom('NO', 'DE') }), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(settings, (networks) => {
        const texts = networks.map((wifi) => made(fresh['cloud-init'], { ...seed, wifi })['network-config'])
        const all = texts.map((text) => Buffer.from(text ?? '').toString('base64')).join('\n')
        const program = `import sys, yaml, json, base64
print(json.dumps([yaml.safe_load(base64.b64decode(line)) for line in sys.stdin.read().split()]))`
        const seen = JSON.parse(run('/usr/bin/python3', ['-c', program], all).toString()) as unknown[]
        for (const [index, { ssid, passphrase, country }] of networks.entries()) {
          expect(seen[index]).toMatchObject({ network: { wifis: { wlan0: { 'regulatory-domain': country } } } })
          const [wlan0] = Object.values((seen[index] as Networks).network.wifis)
          expect(Object.entries(wlan0?.['access-points'] ?? {})).toEqual([[ssid, { password: passphrase }]])
        }
      }),
      { numRuns: 4 },
    )
  })

  test.each(['<<', '__proto__', 'constructor'])(
    'a network that is called %s is added beside others, and is known then',
    (ssid) => {
      const there =
        'version: 2\nwifis: {wlan0: {access-points: {"<<": {password: correct horse}, home: {password: x}}}}\n'
      const wifi = { ssid, passphrase: 'correct horse' }
      const once = made({ ...fresh['cloud-init'], 'network-config': there }, { ...seed, wifi })['network-config'] ?? ''
      const points = (text: string) =>
        run(
          '/usr/bin/python3',
          ['-c', 'import sys, yaml; print(sorted(yaml.safe_load(sys.stdin)["wifis"]["wlan0"]["access-points"]))'],
          text,
        )
          .toString()
          .trim()
      expect(points(once)).toBe(`['${[...new Set(['<<', ssid, 'home'])].join("', '")}']`)
      expect(made({ ...fresh['cloud-init'], 'network-config': once }, { ...seed, wifi })['network-config']).toBe(once)
      const other = { ...seed, wifi: { ssid, passphrase: 'another one' } }
      expect(() => made({ ...fresh['cloud-init'], 'network-config': once }, other)).toThrow(
        `its network-config has another passphrase for the Wi-Fi network "${ssid}"`,
      )
    },
  )

  test.each([
    [
      'another name',
      { 'user-data': '#cloud-config\nhostname: pi\n' },
      'its user-data names it "pi", the inventory "host-a"',
    ],
    [
      'another country',
      { 'network-config': 'version: 2\nwifis: {wlan0: {regulatory-domain: JP}}\n' },
      'its network-config sets the Wi-Fi country to "JP", the inventory to "DE"',
    ],
    [
      'a script',
      { 'user-data': '#!/bin/sh\nrm -rf /\n' },
      'its user-data is no #cloud-config: it begins with "#!/bin/sh"',
    ],
    ['broken YAML', { 'user-data': '#cloud-config\nusers: [\n' }, 'its user-data is no YAML, in line 3'],
    ['a list', { 'meta-data': '- a\n' }, 'its meta-data is no mapping'],
    [
      'an old network',
      { 'network-config': 'version: 1\nconfig: []\n' },
      'its network-config is of version 1, which no Wi-Fi can be added to',
    ],
    [
      'commands that are none',
      { 'user-data': '#cloud-config\nbootcmd: reboot\n' },
      'the bootcmd of its user-data is no list',
    ],
    [
      'a seed from elsewhere',
      { 'cmdline.txt': 'quiet ds=nocloud;s=http://192.0.2.1/\n' },
      'its kernel command line has cloud-init read http://192.0.2.1/, and not the boot partition',
    ],
  ])('%s is refused by name', (_, boot, message) => {
    expect(refusal('cloud-init', { ...fresh['cloud-init'], ...boot })).toContain(message)
  })
})

describe('firstrun', () => {
  const imager = `#!/bin/bash

set +e

if [ -f /usr/lib/raspberrypi-sys-mods/imager_custom ]; then
   /usr/lib/raspberrypi-sys-mods/imager_custom set_hostname host-a
fi
/usr/lib/userconf-pi/userconf 'somebody' '$5$salt$hash'
/usr/lib/raspberrypi-sys-mods/imager_custom set_wlan  -h 'home' '${'ab'.repeat(32)}' 'DE'
rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/cmdline.txt
exit 0
`
  const customised = {
    ...fresh.firstrun,
    'firstrun.sh': imager,
    'cmdline.txt':
      'console=tty1 quiet systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n',
  }

  test('what Raspberry Pi Imager has customised stays; only its end, which a power cut can break, is ours', () => {
    const { 'firstrun.sh': script = '', 'cmdline.txt': line } = files('firstrun', customised)
    const [theirs = ''] = imager.split('rm -f')
    expect(script).toContain(theirs.replace('#!/bin/bash\n', ''))
    expect(script).not.toContain('/boot/firstrun.sh')
    expect(script.split('\n').slice(0, 2)).toEqual(['#!/bin/bash', 'sh /boot/firmware/provision-seed.sh || exit 1'])
    expect(line).toBe(
      'console=tty1 quiet systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot ' +
        'systemd.run_failure_action=reboot systemd.unit=kernel-command-line.target\n',
    )
    expect(files('firstrun', { ...customised, ...files('firstrun', customised) })).toEqual(
      files('firstrun', customised),
    )
  })

  test.each(['dash', 'busybox'])('at its end the kernel command line is as before, in place (%s)', (shell) => {
    const folder = temporary()
    const { 'cmdline.txt': line = '', 'firstrun.sh': script = '' } = files('firstrun', fresh.firstrun)
    writeFileSync(join(folder, 'cmdline.txt'), line)
    writeFileSync(join(folder, 'firstrun.sh'), script)
    writeFileSync(join(folder, 'provision-seed.sh'), 'exit 0\n')
    run(shell, [...(shell === 'busybox' ? ['ash'] : []), '-c', script.replaceAll('/boot/firmware', folder)])
    const now = readFileSync(join(folder, 'cmdline.txt'), 'utf8')
    expect(now.trimEnd()).toBe(fresh.firstrun['cmdline.txt'].trimEnd())
    expect(now).toHaveLength(line.length)
    expect(existsSync(join(folder, 'firstrun.sh'))).toBe(false)
  })

  test('a seed that cannot install itself leaves everything for the next boot', () => {
    const folder = temporary()
    const { 'cmdline.txt': line = '', 'firstrun.sh': script = '' } = files('firstrun', customised)
    for (const [name, content] of Object.entries({ 'cmdline.txt': line, 'provision-seed.sh': 'exit 7\n' }))
      writeFileSync(join(folder, name), content)
    expect(() => run('dash', ['-c', script.replaceAll('/boot/firmware', folder)])).toThrow()
    expect(readFileSync(join(folder, 'cmdline.txt'), 'utf8')).toBe(line)
  })

  test('the network that the card joins already is not brought again', () => {
    const joins = (passphrase: string) => imager.replace(/set_wlan.*/, `set_wlan 'the lab' '${passphrase}' 'DE'`)
    const same = files('firstrun', { ...customised, 'firstrun.sh': joins('correct horse') })
    expect(same['provision-seed.sh']).not.toContain('nmconnection')
    expect(refusal('firstrun', { ...customised, 'firstrun.sh': joins('wrong horse') })).toBe(
      'what is customised on it contradicts the inventory: its firstrun.sh has another passphrase for the Wi-Fi network "the lab"',
    )
  })

  test.each([
    [
      'another name',
      { 'firstrun.sh': imager.replace('host-a', 'pi') },
      'its firstrun.sh names it "pi", the inventory "host-a"',
    ],
    [
      'a custom.toml',
      { 'custom.toml': 'config_version = 1\n[system]\nhostname = "pi"\n[ssh]\nenabled = false\n' },
      'its custom.toml names it "pi", the inventory "host-a"; its custom.toml keeps sshd off',
    ],
    ['a broken custom.toml', { 'custom.toml': 'password = secret\n' }, 'its custom.toml is no TOML, in line 1'],
    [
      'another first boot',
      { 'cmdline.txt': 'quiet systemd.run=/usr/bin/mine\n' },
      'its kernel command line runs something else at its first boot: systemd.run=/usr/bin/mine',
    ],
    ['another language', { 'firstrun.sh': '#!/usr/bin/python3\n' }, 'its firstrun.sh is no shell script'],
    [
      'bullseye',
      { 'issue.txt': 'Raspberry Pi reference 2023-05-03\n' },
      'its issue.txt is of 2023-05-03: it is older than Raspberry Pi OS bookworm',
    ],
  ])('%s is refused by name', (_, boot, message) => {
    expect(refusal('firstrun', { ...customised, ...boot })).toContain(message)
  })

  test('without a cmdline.txt to add to it is refused', () => {
    expect(refusal('firstrun', {})).toBe('it has no cmdline.txt, which firstrun.sh is started from')
  })
})

describe('rpi-preseed', () => {
  const customised = `config_version = "1.1"
[system]
hostname = "host-a"
[user]
name = "somebody"
password = "$5$salt$hash"
password_encrypted = true
[wlan]
ssid = "the lab"
password = "correct horse"
[runcmd]
early = ["systemctl enable theirs"]
late_retries = 5
`

  test('what is customised stays, and the seed comes first', () => {
    const now = parseToml(files('rpi-preseed', { 'rpi-preseed.toml': customised })['rpi-preseed.toml'] ?? '')
    const before = parseToml(customised)
    const start = 'test ! -e /boot/firmware/provision-seed.sh || sh /boot/firmware/provision-seed.sh'
    expect(now).toEqual({
      ...before,
      ssh: { enabled: true },
      wlan: { ssid: 'the lab', password: 'correct horse', password_encrypted: false, country: 'DE' },
      runcmd: {
        early: [start, 'systemctl enable theirs'],
        late: [start],
        late_retries: 5,
        early_cmd_timeout: 25,
      },
    })
  })

  test.each([
    [
      'another network',
      'ssid = "the lab"',
      'ssid = "home"',
      'joins the Wi-Fi network "home", the inventory "the lab", and it has room for one',
    ],
    ['another passphrase', 'correct horse', 'wrong horse', 'has another passphrase for the Wi-Fi network "the lab"'],
    ['another name', '"host-a"', '"pi"', 'names it "pi", the inventory "host-a"'],
    ['another version', '"1.1"', '"2.0"', 'is of version "2.0"'],
    [
      'commands that are none',
      '["systemctl enable theirs"]',
      '"reboot"',
      'runcmd.early of its rpi-preseed.toml is no list',
    ],
    ['broken TOML', '[user]', '[user', 'is no TOML, in line 4'],
  ])('%s is refused by name', (_, from, to, message) => {
    expect(refusal('rpi-preseed', { 'rpi-preseed.toml': customised.replace(from, to) })).toContain(message)
  })

  test('another place for its file is refused', () => {
    expect(refusal('rpi-preseed', { 'cmdline.txt': 'quiet rpi_preseed.config=/etc/mine.toml\n' })).toContain(
      'its kernel command line has rpi-preseed read /etc/mine.toml',
    )
  })
})

test('a conflict that is none is not refused', () => {
  expect(() => refuseConflicts([undefined, undefined])).not.toThrow()
})
