import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fresh, run, temporary } from '../kit.ts'
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
