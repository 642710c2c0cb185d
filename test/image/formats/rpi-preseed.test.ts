import { parse as parseToml } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { files, refusal } from './files.ts'

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
      'joins the Wi-Fi network "home", the inventory "the lab", and rpi-preseed.toml can hold only one',
    ],
    [
      'another network in hexadecimal digits, which counts',
      'ssid = "the lab"',
      'ssid = "the lab"\nssid_hex = "686f6d65"',
      'joins the Wi-Fi network "home", the inventory "the lab", and rpi-preseed.toml can hold only one',
    ],
    [
      'an open network',
      'ssid = "the lab"',
      'ssid = "the lab"\nkey_mgmt = "none"',
      'has another passphrase for the Wi-Fi',
    ],
    [
      'another name by a command',
      '"systemctl enable theirs"',
      '"hostnamectl set-hostname pi"',
      'sets the host name "pi", the inventory "host-a" (line 12)',
    ],
    ['another passphrase', 'correct horse', 'wrong horse', 'has another passphrase for the Wi-Fi network "the lab"'],
    ['another name', '"host-a"', '"pi"', 'sets the host name "pi", the inventory "host-a"'],
    ['another version', '"1.1"', '"2.0"', 'has version "2.0"'],
    [
      'commands that are none',
      '["systemctl enable theirs"]',
      '"reboot"',
      'runcmd.early in its rpi-preseed.toml is not a list',
    ],
    ['broken TOML', '[user]', '[user', 'is not valid TOML, in line 4'],
  ])('%s is refused by name', (_, from, to, message) => {
    expect(refusal('rpi-preseed', { 'rpi-preseed.toml': customised.replace(from, to) })).toContain(message)
  })

  test('the network of the inventory in hexadecimal digits is no conflict', () => {
    const same = customised.replace('ssid = "the lab"', 'ssid_hex = "746865206c6162"')
    expect(refusal('rpi-preseed', { 'rpi-preseed.toml': same })).toBe('none')
  })

  test('another place for its file is refused', () => {
    expect(refusal('rpi-preseed', { 'cmdline.txt': 'quiet rpi_preseed.config=/etc/mine.toml\n' })).toContain(
      'its kernel command line makes rpi-preseed read /etc/mine.toml',
    )
  })
})
