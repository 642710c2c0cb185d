import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatNames } from '../../../src/image/formats/detect.ts'
import type { FormatName } from '../../../src/image/seed/seed-script.ts'
import { fresh, seed, temporary } from '../kit.ts'
import { device, tools } from '../seed-box.ts'

const secrets = ['one-time', 'correct horse']
function strays(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => secrets.some((secret) => readFileSync(path, 'utf8').includes(secret)))
    .map((path) => path.slice(root.length + 1))
    .filter((path) => !path.startsWith('etc/'))
}

/** Whatever happened on the way, a device ends like this. */
function expectDone(one: ReturnType<typeof device>, format: FormatName) {
  expect(one.text('etc/hostname')).toBe('host-a\n')
  expect(one.text('etc/hosts')).toBe('127.0.0.1\tlocalhost\n127.0.1.1\thost-a\n')
  expect(one.text('home/admin/.ssh/authorized_keys')).toBe(`${seed.accounts[0]?.authorizedKeys[0]}\n`)
  expect(one.text('etc/passwd')).toMatch(/^guest:\*:1000:1000:provision k7w2m9qd:/m)
  expect(one.text('etc/sudoers.d/010_provision-admin')).toBe('admin ALL=(ALL:ALL) NOPASSWD: ALL\n')
  expect(existsSync(one.at('etc/sudoers.d/010_provision-guest'))).toBe(false)
  for (const { path, content, mode } of seed.files) {
    expect(one.text(path)).toBe(content)
    expect((statSync(one.at(path)).mode & 0o777).toString(8)).toBe(mode.replace(/^0/, ''))
  }
  expect(existsSync(one.at('etc/reverse-tunnel/first-boot'))).toBe(false)
  expect(readdirSync(one.at('var/lib/provision/first-boot')).filter((name) => name !== 'seed.sh')).toEqual(['finished'])
  expect(one.text('boot/firmware/cmdline.txt')?.replaceAll(one.at(''), '/').replace('=//', '=/').trimEnd()).toBe(
    fresh[format]['cmdline.txt'].trimEnd(),
  )
  expect(existsSync(one.at('usr/local/lib/systemd/system/kernel-command-line.target'))).toBe(false)
  if (format === 'cloud-init') {
    expect(one.text('boot/firmware/user-data')).toBe('#cloud-config\n')
    expect(existsSync(one.at('boot/firmware/network-config'))).toBe(false)
    expect(existsSync(one.at('etc/cloud/cloud-init.disabled'))).toBe(true)
    expect(strays(one.at(''))).toEqual([])
    expect(one.text('var/log/cloud-init.log')).toBe('begun\ndone\n')
  }
}

describe.each(formatNames)('a device with a %s seed', (format) => {
  test.each(['dash', 'busybox'] as const)(
    'becomes what it is to be, and keeps no secret but where it belongs (%s)',
    (shell) => {
      const one = device(format, shell)
      expect(one.install()).toMatchObject({ code: 0, said: '' })
      expect(one.text('systemctl.log')).toBe(
        `${format === 'firstrun' ? 'daemon-reload\n' : ''}mask --runtime userconfig.service\nstop --no-block userconfig.service\n${
          format === 'firstrun'
            ? '--no-block reboot\n'
            : 'daemon-reload\nstart --no-block provision-first-boot.service\n'
        }`,
      )
      expect(one.run().code).toBe(3)
      expect(one.text('boot/firmware/provision-seed.sh')).toContain('one-time')
      expect(one.run()).toMatchObject({ code: 0 })
      expect(one.text('etc/runs')).toBe('run\nrun\n')
      expect(one.settled()).toBe(true)
      expectDone(one, format)
    },
  )

  // Every moment by itself: SEED_STRIDE=1, for a minute or two. Each run begins at another one.
  const stride = Number(process.env.SEED_STRIDE ?? 15)
  const first = 1 + Math.floor(Math.random() * stride)
  test.each(['dash', 'busybox'] as const)(
    'ends the same wherever the power goes, once (%s)',
    (shell) => {
      const places = { keeper: temporary(), bin: tools() }
      const all = device(format, shell, places).live(0)
      expect(all).toBeGreaterThan(60)
      for (let cut = first; cut <= all; cut += stride) {
        const one = device(format, shell, places)
        one.live(cut)
        expect([cut, one.settled()]).toEqual([cut, true])
        expectDone(one, format)
        // Once more than it needs, at most: between its end and the note of it.
        expect(one.text('etc/runs')?.match(/run/g)?.length).toBeLessThanOrEqual(3)
      }
    },
    600_000,
  )
})
