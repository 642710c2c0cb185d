import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { formatOf } from '../../../src/image/formats/detect.ts'
import { firstrunBox } from '../firstrun-box.ts'
import { bootOf, fresh, type Texts } from '../kit.ts'
import { files, refusal } from './files.ts'

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

  test('what Raspberry Pi Imager has customised stays, byte for byte, and is started by what starts the seed', () => {
    const made = files('firstrun', customised)
    expect(Object.keys(made)).toEqual(['provision-seed.sh', 'provision-start.sh', 'cmdline.txt'])
    expect(made['cmdline.txt']).toBe(
      'console=tty1 quiet systemd.run=/boot/firmware/provision-start.sh systemd.run_success_action=reboot ' +
        'systemd.run_failure_action=none systemd.unit=kernel-command-line.target\n',
    )
    expect(files('firstrun', { ...customised, ...made })).toEqual(made)
  })

  test('all that Raspberry Pi Imager 1.8 writes is taken', () => {
    const whole = `#!/bin/bash

set +e

CURRENT_HOSTNAME=\`cat /etc/hostname | tr -d " \\t\\n\\r"\`
if [ -f /usr/lib/raspberrypi-sys-mods/imager_custom ]; then
   /usr/lib/raspberrypi-sys-mods/imager_custom set_hostname host-a
else
   echo host-a >/etc/hostname
   sed -i "s/127.0.1.1.*$CURRENT_HOSTNAME/127.0.1.1\\thost-a/g" /etc/hosts
fi
if [ -f /usr/lib/raspberrypi-sys-mods/imager_custom ]; then
   /usr/lib/raspberrypi-sys-mods/imager_custom set_wlan 'the lab' 'correct horse' 'DE'
else
cat >/etc/wpa_supplicant/wpa_supplicant.conf <<'WPAEOF'
country=DE
WPAEOF
fi
rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/cmdline.txt
exit 0
`
    expect(refusal('firstrun', { ...customised, 'firstrun.sh': whole })).toBe('none')
  })

  test('nothing but the first line of cmdline.txt is added to, as the firmware reads no other', () => {
    const { 'cmdline.txt': line = '' } = files('firstrun', {
      ...fresh.firstrun,
      'cmdline.txt': 'quiet\n# init=/bin/sh\n',
    })
    expect(line).toMatch(/^quiet systemd\.run=\S+ .*\n# init=\/bin\/sh\n$/)
  })

  test.each([['dash'], ['busybox', 'ash']])(
    'at its end the kernel command line is as before, in place (%s)',
    (...shell) => {
      const box = firstrunBox(fresh.firstrun)
      const { length } = box.cmdline()
      expect(box.boot(shell)).toMatchObject({ code: 0 })
      expect(box.cmdline().trimEnd()).toBe(fresh.firstrun['cmdline.txt'].trimEnd())
      expect(box.cmdline()).toHaveLength(length)
      expect(box.has('provision-start.sh')).toBe(false)
      expect(box.log()).toEqual(['systemctl daemon-reload', 'seed', 'reboot'])
    },
  )

  test('the network that the card joins already is not brought again', () => {
    const joins = (passphrase: string) => imager.replace(/set_wlan.*/, `set_wlan 'the lab' '${passphrase}' 'DE'`)
    const same = files('firstrun', { ...customised, 'firstrun.sh': joins('correct horse') })
    expect(same['provision-seed.sh']).not.toContain('nmconnection')
    expect(refusal('firstrun', { ...customised, 'firstrun.sh': joins('wrong horse') })).toBe(
      'its customisation contradicts the inventory: its firstrun.sh has another passphrase for the Wi-Fi network "the lab"',
    )
  })

  test.each([
    [
      'another name',
      { 'firstrun.sh': imager.replace('host-a', 'pi') },
      'its firstrun.sh sets the host name "pi", the inventory "host-a"',
    ],
    [
      'a custom.toml',
      { 'custom.toml': 'config_version = 1\n[system]\nhostname = "pi"\n[ssh]\nenabled = false\n' },
      'its custom.toml sets the host name "pi", the inventory "host-a"; its custom.toml switches sshd off',
    ],
    ['a broken custom.toml', { 'custom.toml': 'password = secret\n' }, 'its custom.toml is not valid TOML, in line 1'],
    [
      'another first boot',
      { 'cmdline.txt': 'quiet systemd.run=/usr/bin/mine\n' },
      'its kernel command line runs something else at its first boot: systemd.run=/usr/bin/mine',
    ],
    [
      'what is to happen after it',
      { 'cmdline.txt': 'quiet systemd.run=/boot/firstrun.sh systemd.run_success_action=poweroff\n' },
      'its kernel command line runs something else at its first boot: systemd.run_success_action=poweroff',
    ],
    [
      'another aim',
      { 'cmdline.txt': 'quiet systemd.unit=multi-user.target\n' },
      'its kernel command line runs something else at its first boot: systemd.unit=multi-user.target',
    ],
    [
      'a root that forgets',
      { 'cmdline.txt': 'quiet boot=overlay\n' },
      'its kernel command line keeps the root file system in memory, where every change is lost at power off: boot=overlay',
    ],
    [
      'another init',
      { 'cmdline.txt': 'quiet init=/bin/bash\n' },
      'its kernel command line starts another program instead of the system: init=/bin/bash',
    ],
    [
      'a rescue shell',
      { 'cmdline.txt': 'quiet systemd.unit=rescue.target\n' },
      'its kernel command line boots only to a rescue shell: systemd.unit=rescue.target',
    ],
    [
      'Wi-Fi as before bookworm',
      { 'firstrun.sh': '#!/bin/bash\ncat >/etc/wpa_supplicant/wpa_supplicant.conf <<END\nEND\n' },
      'its firstrun.sh sets up Wi-Fi in wpa_supplicant.conf, but the Wi-Fi of the inventory needs NetworkManager (line 2)',
    ],
    ['another language', { 'firstrun.sh': '#!/usr/bin/python3\n' }, 'its firstrun.sh is not a shell script'],
    [
      'bullseye',
      { 'issue.txt': 'Raspberry Pi reference 2023-05-03\n' },
      'its issue.txt is dated 2023-05-03, so it is older than Raspberry Pi OS bookworm',
    ],
  ])('%s is refused by name', (_, boot, message) => {
    expect(refusal('firstrun', { ...customised, ...boot })).toContain(message)
  })

  test.each<[string, Texts, string]>([
    [
      'by its date alone',
      {},
      'its issue.txt is dated 2024-07-04, as is that of Raspberry Pi OS (Legacy) bullseye; bullseye mounts its FAT partition at /boot',
    ],
    [
      'by its kernels',
      { 'kernel8.img': '', 'bcm2711-rpi-4-b.dtb': '' },
      'its kernels (bcm2711-rpi-4-b.dtb, kernel8.img) have no initramfs beside them, so it is older than bookworm',
    ],
    ['bookworm after all', { 'kernel8.img': '', initramfs8: '' }, 'none'],
  ])('of a day with two systems, bullseye is refused: %s', (_, files, message) => {
    const boot = { ...customised, 'issue.txt': 'Raspberry Pi reference 2024-07-04\n', ...files }
    expect(refusal('firstrun', boot)).toContain(message)
  })

  test.each<[string, string, string]>([
    ['in quotes', 'imager_custom set_hostname "host-a"', 'none'],
    ['in a variable', 'NAME=\'host-a\'\nraspi-config nonint do_hostname "$NAME"', 'none'],
    ['read only', 'CURRENT=`cat /etc/hostname | tr -d " \\t"`', 'none'],
    ['in a comment', '# hostnamectl set-hostname pi', 'none'],
    ['as a whole', 'echo host-a.lan >/etc/hostname', 'none'],
    [
      'by hostnamectl',
      'hostnamectl --static set-hostname pi',
      'sets the host name "pi", the inventory "host-a" (line 2)',
    ],
    [
      'into its file',
      'true && echo "pi" | sudo tee /etc/hostname',
      'sets the host name "pi", the inventory "host-a" (line 2)',
    ],
    [
      'worked out',
      'hostnamectl hostname "pi-$(cat /proc/serial)"',
      'sets a host name that is not known before the first boot (line 2)',
    ],
    ['by an edit', "sed -i 's/raspberrypi/pi/' /etc/hostname", 'writes /etc/hostname (line 2)'],
  ])('a host name %s is seen for what it is', (_, line, message) => {
    expect(refusal('firstrun', { ...fresh.firstrun, 'firstrun.sh': `#!/bin/bash\n${line}\n` })).toContain(message)
  })

  test.each([
    ["'the lab' 'wrong horse' 'DE'", 'has another passphrase for the Wi-Fi network "the lab"'],
    ['--hidden "the lab" "correct horse" DE', 'none'],
    ["'the lab' 'correct horse' 'JP'; echo x", 'sets the Wi-Fi country to "JP", the inventory to "DE"'],
    ["'the lab'", 'has another passphrase for the Wi-Fi network "the lab"'],
    ["'it'\\''s another; one' 'x' 'DE'", 'none'],
  ])('the words of Raspberry Pi Imager for Wi-Fi are read as a shell reads them: %s', (words, message) => {
    const script = `#!/bin/bash\nimager_custom set_wlan ${words}\n`
    expect(refusal('firstrun', { ...fresh.firstrun, 'firstrun.sh': script })).toContain(message)
  })

  test('what a person should know is said: a file that nothing reads, a script that nobody could parse', () => {
    const notes = (boot: Texts) => formatOf('firstrun').notes?.(bootOf(boot))
    expect(notes(customised)).toEqual([])
    expect(notes({ ...fresh.firstrun, 'wpa_supplicant.conf': '' })).toEqual([
      'its wpa_supplicant.conf is not read since bookworm: a network in that file is not joined',
    ])
    vi.stubEnv('PATH', '/nonexistent')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(notes(customised)).toEqual([
      'its firstrun.sh was not checked, as no suitable shell is installed here; the seed starts even if firstrun.sh fails',
    ])
    expect(refusal('firstrun', customised)).toBe('none')
  })

  test('without a cmdline.txt to add to it is refused', () => {
    expect(refusal('firstrun', {})).toBe('it has no cmdline.txt, from which firstrun.sh is started')
  })
})
