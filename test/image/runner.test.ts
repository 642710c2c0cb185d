import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatNames, formatOf } from '../../src/image/detect.ts'
import type { Seed } from '../../src/image/seed.ts'
import type { FormatName } from '../../src/image/seed-script.ts'
import { bootOf, fresh, seed, temporary, withWifi } from './kit.ts'

/** Ends with 0 at its second run, and leaves a line for each. Like the real one, it may be gone by then. */
const program = `runs=/etc/runs
echo run >>"$runs"
[ -s /etc/reverse-tunnel/enrolment/key ] || exit 9
[ "$(grep -c . "$runs")" -ge 2 ] || exit 3
rm -f /etc/reverse-tunnel/first-boot
`
const host: Seed = { ...withWifi, program: { ...seed.program, content: program } }

const steps = 'mkdir chmod mv sync rm ln dd sh useradd chown cp systemctl'.split(' ')

/**
 * A device in a folder: the seed's own program, its fixed paths turned to the folder, and stubs for what needs root. Every
 * program that it starts is a step, and the power can go before any of them.
 */
function device(format: FormatName, shell: 'dash' | 'busybox', keeper = temporary()) {
  const root = join(keeper, 'device')
  rmSync(root, { recursive: true, force: true })
  const bin = join(root, 'bin')
  for (const path of [
    'bin',
    'etc/cloud',
    'etc/skel',
    'etc/sudoers.d',
    'run/cloud-init',
    'var/log',
    'boot/firmware',
    'home',
    'usr/lib/systemd/system',
  ])
    mkdirSync(join(root, path), { recursive: true })
  mkdirSync(join(root, 'var/lib/cloud/instances/i'), { recursive: true })
  for (const copy of ['user-data.txt', 'obj.pkl', 'network-config.json'])
    writeFileSync(join(root, 'var/lib/cloud/instances/i', copy), 'correct horse')
  writeFileSync(join(root, 'run/cloud-init/result.json'), '{}')
  writeFileSync(join(root, 'var/log/cloud-init.log'), "config: {'password': 'correct horse'}\nthe rest\n")
  writeFileSync(join(root, 'run/cloud-init/instance-data-sensitive.json'), 'correct horse')
  writeFileSync(join(root, 'usr/lib/systemd/system/userconfig.service'), '')
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n')
  writeFileSync(join(root, 'etc/passwd'), '')
  const inside = (text: string) =>
    text
      .replaceAll(/(?<![\w.$}/])\/(etc|var|run|boot|usr\/lib|lib)(?=\/)/g, `${root}/$1`)
      .replaceAll(/^(\s*)PATH=\S+/gm, `$1PATH=${bin}:/usr/sbin:/usr/bin:/sbin:/bin`)
  const stub = (name: string, text: string) => writeFileSync(join(bin, name), `#!/bin/dash\n${text}\n`, { mode: 0o755 })
  const step = `read -r n <${root}/steps; n=$((n + 1)); echo $n >${root}/steps
read -r cut <${root}/cut
[ "$n" != "$cut" ] || { read -r group <${root}/group; kill -9 "-$group"; sleep 60; }`
  for (const name of steps) stub(name, `${step}\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec ${name} "$@"`)
  // Its own program runs in the shell that is tried.
  stub('sh', `${step}\nexec ${shell === 'dash' ? 'dash' : 'busybox ash'} "$@"`)
  stub('sync', step)
  stub('chown', step)
  stub('id', 'echo staff')
  stub('systemctl', `${step}\necho "$@" >>${root}/systemctl.log`)
  stub('getent', `[ "$1" = passwd ] || exit 2; grep "^$2:" ${root}/etc/passwd`)
  stub(
    'useradd',
    `${step}\nfor name; do :; done
echo "$name:*:1000:1000::${root}/home/$name:/bin/bash" >>${root}/etc/passwd; mkdir -p ${root}/home/$name`,
  )
  for (const name of ['mountpoint', 'hostname', 'raspi-config', 'rfkill', 'nmcli', 'iw', 'uname']) stub(name, 'echo')

  const boot = join(root, 'boot/firmware')
  const begun = { ...fresh[format] }
  for (const [name, text] of Object.entries(begun)) writeFileSync(join(boot, name), text)
  for (const { name, content } of formatOf(format).files(host, bootOf(begun)))
    writeFileSync(join(boot, name), inside(content).replaceAll('/bin/sh', join(bin, 'sh')))

  const at = (path: string) => join(root, path)
  const text = (path: string) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : undefined)
  // Steps until the power goes; 0: it never does.
  let power = 0
  const start = (path: string) => {
    writeFileSync(at('cut'), String(power))
    writeFileSync(at('steps'), '0')
    const words = shell === 'dash' ? 'dash' : 'busybox ash'
    const { status, stderr } = spawnSync(
      'setsid',
      ['dash', '-c', `echo $$ >${at('group')}; exec ${words} ${at(path)}`],
      {
        timeout: 20_000,
        env: { PATH: `${bin}:/usr/bin:/bin` },
      },
    )
    const done = Number(text('steps'))
    const off = power > 0 && done >= power
    power = off || power === 0 ? 0 : power - done
    return { code: status, said: stderr.toString(), steps: done, off }
  }
  const unit = 'etc/systemd/system/multi-user.target.wants/provision-first-boot.service'
  const fromCard = 'boot/firmware/provision-seed.sh'
  const kept = 'var/lib/provision/first-boot/seed.sh'
  const settled = () => !existsSync(at(unit)) && !existsSync(at(fromCard))
  /** What starts by itself: the format's own machinery as long as it is not switched off, and the unit. */
  const bootOnce = (): number => {
    rmSync(at('run/provision-first-boot'), { recursive: true, force: true })
    let total = 0
    if (existsSync(at(fromCard)) && !existsSync(at('etc/cloud/cloud-init.disabled'))) {
      const { steps, off } = start(fromCard)
      total += steps
      if (off) return total
    }
    if (existsSync(at(unit)) && existsSync(at(kept))) total += start(kept).steps
    return total
  }
  return {
    at,
    text,
    settled,
    install: () => start(fromCard),
    run: () => start(kept),
    /** Boots until nothing is left to do; the power goes before step `cut`. How many steps that took. */
    live(cut: number): number {
      power = cut
      let total = 0
      for (let boots = 0; boots < 10 && !settled(); boots++) total += bootOnce()
      return total
    },
  }
}

const secrets = ['one-time', 'correct horse']
function strays(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('/bin'))
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
  expect(one.text('etc/sudoers.d/010_provision-admin')).toBe('admin ALL=(ALL:ALL) NOPASSWD: ALL\n')
  expect(existsSync(one.at('etc/sudoers.d/010_provision-guest'))).toBe(false)
  for (const { path, content, mode } of seed.files) {
    expect(one.text(path)).toBe(content)
    expect((statSync(one.at(path)).mode & 0o777).toString(8)).toBe(mode.replace(/^0/, ''))
  }
  expect(existsSync(one.at('etc/reverse-tunnel/first-boot'))).toBe(false)
  expect(readdirSync(one.at('var/lib/provision/first-boot')).filter((name) => name !== 'seed.sh')).toEqual(['finished'])
  if (format === 'cloud-init') {
    expect(one.text('boot/firmware/user-data')).toBe('#cloud-config\n')
    expect(one.text('var/log/cloud-init.log')).toBe('the rest\n')
    expect(existsSync(one.at('boot/firmware/network-config'))).toBe(false)
    expect(existsSync(one.at('etc/cloud/cloud-init.disabled'))).toBe(true)
    expect(strays(one.at(''))).toEqual([])
  }
}

describe.each(formatNames)('a device with a %s seed', (format) => {
  test.each(['dash', 'busybox'] as const)(
    'becomes what it is to be, and keeps no secret but where it belongs (%s)',
    (shell) => {
      const one = device(format, shell)
      expect(one.install()).toMatchObject({ code: 0 })
      expect(one.text('systemctl.log')).toBe(
        `mask userconfig.service\nstop --no-block userconfig.service\n${
          format === 'firstrun' ? '' : 'daemon-reload\nstart --no-block provision-first-boot.service\n'
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

  // Every step by itself: SEED_STRIDE=1.
  const stride = Number(process.env.SEED_STRIDE ?? (format === 'cloud-init' ? 5 : 11))
  test.each(['dash', 'busybox'] as const)(
    'ends the same wherever the power goes, once (%s)',
    (shell) => {
      const keeper = temporary()
      const all = device(format, shell, keeper).live(0)
      expect(all).toBeGreaterThan(60)
      for (let cut = 1; cut <= all; cut += stride) {
        const one = device(format, shell, keeper)
        one.live(cut)
        expect([cut, one.settled()]).toEqual([cut, true])
        expectDone(one, format)
        // Once more than it needs, at most: between its end and the note of it.
        expect(one.text('etc/runs')?.match(/run/g)?.length).toBeLessThanOrEqual(3)
      }
    },
    300_000,
  )
})
