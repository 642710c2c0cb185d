import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatNames } from '../../src/image/formats/detect.ts'
import { files } from './formats/files.ts'
import { fresh, seed } from './kit.ts'
import { device, host } from './seed-box.ts'

/** What an image has been given before anybody gets it: the dialogue is asked for, and says so at each login. */
function asBuilt(one: ReturnType<typeof device>) {
  for (const path of ['etc/ssh/sshd_config.d', 'etc/systemd/system/multi-user.target.wants'])
    mkdirSync(one.at(path), { recursive: true })
  writeFileSync(one.at('etc/ssh/sshd_config.d/rename_user.conf'), '')
  writeFileSync(one.at('etc/systemd/system/multi-user.target.wants/userconfig.service'), '')
}
const log = (one: ReturnType<typeof device>) => (one.text('log') ?? '').split('\n').filter(Boolean)

describe.each(formatNames)('a device with a %s seed on Raspberry Pi OS', (format) => {
  test('has Wi-Fi switched on, in both places that keep it off, at every boot until its end', () => {
    const one = device(format, 'dash')
    one.install()
    const on = [
      'raspi-config nonint do_wifi_country DE',
      'rfkill unblock wifi',
      'nmcli radio wifi on',
      'nmcli connection reload',
    ]
    expect(one.run().code).toBe(3)
    expect(log(one)).toEqual(on)
    one.run()
    expect(log(one)).toEqual([...on, ...on])
    const unit = files(format, fresh[format])['provision-seed.sh']
    expect(unit).toMatch(/^After=.* NetworkManager\.service$/m)
  })

  test('without Wi-Fi in the inventory leaves that alone', () => {
    const one = device(format, 'dash', { of: { ...seed, program: host.program } })
    one.install()
    one.run()
    expect(log(one)).toEqual([])
  })

  test('has the dialogue ended by what the system has for that, and not masked for good', () => {
    const one = device(format, 'dash')
    asBuilt(one)
    one.install()
    one.run()
    expect(one.text('systemctl.log')).toMatch(
      /^mask --runtime userconfig.service\n(.*\n)*unmask --runtime userconfig.service\n/m,
    )
    expect(one.text('systemctl.log')).not.toMatch(/^mask userconfig/m)
    expect(log(one).at(-1)).toBe('cancel-rename admin')
    // A stand-in that ends nothing: the least is done without it.
    expect(one.text('systemctl.log')).toMatch(/^disable userconfig.service\nenable getty@tty1.service$/m)
    expect(one.text('etc/ssh/sshd_config.d/rename_user.conf')).toBeUndefined()
  })

  test('whose power went while the dialogue was being ended has all of that done again', () => {
    const one = device(format, 'dash')
    asBuilt(one)
    one.install()
    one.run()
    const state = (name: string) => one.at(`var/lib/provision/first-boot/${name}`)
    expect(existsSync(state('ending'))).toBe(false)
    copyFileSync(state('prepared'), state('ending'))
    one.run()
    expect(log(one).filter((line) => line.startsWith('cancel-rename'))).toHaveLength(2)
    expect(existsSync(state('ending'))).toBe(false)
  })

  test('that is started once more, as late commands do it, does not put off a dialogue that is ending, or has ended', () => {
    const one = device(format, 'dash')
    asBuilt(one)
    one.install()
    one.run()
    asBuilt(one)
    one.install()
    expect((one.text('systemctl.log') ?? '').match(/^mask/gm)).toHaveLength(2)
  })

  test('lets userconf.txt be read first, and asks nobody; a broken one is waited for no longer than a minute', () => {
    const one = device(format, 'dash')
    writeFileSync(one.at('boot/firmware/userconf.txt'), 'pi:$6$abc\n')
    asBuilt(one)
    one.install()
    expect(one.text('systemctl.log') ?? '').not.toContain('userconfig')
    expect(one.run()).toMatchObject({ code: 75, said: expect.stringContaining('has not read userconf.txt yet') })
    expect(one.text('etc/hostname')).toBeUndefined()
    for (let tries = 0; tries < 5; tries++) expect(one.run().code).toBe(75)
    expect(one.run().code).toBe(3)
    expect(one.text('etc/hostname')).toBe('host-a\n')
  })

  test('gives its user a shell where that is to log in, and leaves what it has otherwise', () => {
    const users = (shell: string, password: string) => {
      const one = device(format, 'dash')
      writeFileSync(
        one.at('etc/passwd'),
        `admin:x:1000:1000::${one.at('home/admin')}:${shell}\nguest:x:1001:1001::${one.at('home/guest')}:${shell}\n`,
      )
      writeFileSync(one.at('etc/shadow'), `admin:${password}:1::::::\nguest:${password}:1::::::\n`)
      one.install()
      one.run()
      return log(one).filter((line) => line.startsWith('usermod'))
    }
    expect(users('/usr/sbin/nologin', '!')).toEqual(['usermod --shell /bin/bash admin', 'usermod --password * admin'])
    expect(users('/bin/zsh', '$6$salt$hash')).toEqual([])
  })
})

test('cloud-init that was switched off before a power cut is not waited for', () => {
  const one = device('cloud-init', 'dash')
  one.install()
  one.run()
  rmSync(one.at('run/cloud-init/result.json'))
  expect(one.run().code).toBe(75)
  writeFileSync(one.at('etc/cloud/cloud-init.disabled'), '')
  expect(one.run().code).toBe(0)
  expect(one.settled()).toBe(true)
})
