import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatNames, formatOf } from '../../src/image/detect.ts'
import type { Seed } from '../../src/image/seed.ts'
import type { FormatName } from '../../src/image/seed-script.ts'
import { files } from './formats/files.ts'
import { bootOf, fresh, run, seed, temporary, withWifi } from './kit.ts'

/** Ends with 0 at its second run, and leaves a line for each. Like the real one, it may be gone by then. */
const program = `runs=/etc/runs
echo run >>"$runs"
[ -s /etc/reverse-tunnel/enrolment/key ] || exit 9
[ "$(grep -c . "$runs")" -ge 2 ] || exit 3
rm -f /etc/reverse-tunnel/first-boot
`
const host: Seed = { ...withWifi, program: { ...seed.program, content: program } }

const steps = 'mkdir chmod mv rm ln dd cp sh sync chown useradd usermod systemctl'.split(' ')

/** The shell that is tried, as the words of a command. */
const shells = { dash: 'dash', busybox: 'busybox ash' }
type Shell = keyof typeof shells

/** All that a seed finds to run, but for what `prelude` has. Nothing of it changes more than the files that it is told. */
function tools(): string {
  const bin = temporary()
  for (const name of 'busybox cat chmod cp cut dash dd grep ln mkdir mv rm sed tr wc'.split(' '))
    symlinkSync(run('which', [name]).toString().trim(), join(bin, name))
  // Names that can be no function's.
  for (const name of ['raspi-config', 'cancel-rename']) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >>"$LOG"\n`, { mode: 0o755 })
  }
  return bin
}

/**
 * Functions for everything that a seed starts and that counts as a step: the power can go before any of them. As functions
 * they cost no process; what needs root only leaves a note.
 */
function prelude(root: string, shell: Shell): string {
  const own: Readonly<Record<string, string>> = {
    sync: ':',
    chown: ':',
    sh: `${shells[shell]} -c '. ${root}/prelude; . "$0"' "$@"`,
    systemctl: `echo "$@" >>${root}/systemctl.log`,
    usermod: `echo "usermod $*" >>${root}/log`,
    useradd: `for login; do :; done
echo "$login:*:1000:1000::${root}/home/$login:/bin/bash" >>${root}/etc/passwd; command mkdir -p ${root}/home/$login`,
  }
  const logged = 'rfkill nmcli'.split(' ')
  const others = 'mountpoint hostname iw uname'.split(' ')
  return `step() {
  read -r steps <${root}/steps; steps=$((steps + 1)); echo $steps >${root}/steps
  read -r cut <${root}/cut
  [ "$steps" != "$cut" ] || { read -r group <${root}/group; kill -9 "-$group"; }
}
${steps.map((name) => `${name}() { step; ${own[name] ?? `command ${name} "$@"`}; }`).join('\n')}
${logged.map((name) => `${name}() { echo "${name} $*" >>${root}/log; }`).join('\n')}
${others.map((name) => `${name}() { echo; }`).join('\n')}
id() { echo staff; }
getent() { grep "^$2:" "${root}/etc/$1"; }
`
}

/** A device in a folder: the seed's own program, its fixed paths turned to the folder. */
function device(
  format: FormatName,
  shell: Shell,
  { keeper = temporary(), bin = tools(), of = host }: { keeper?: string; bin?: string; of?: Seed } = {},
) {
  const root = join(keeper, 'device')
  rmSync(root, { recursive: true, force: true })
  for (const path of [
    'etc/cloud',
    'etc/skel',
    'etc/sudoers.d',
    'run/cloud-init',
    'boot/firmware',
    'home',
    'usr/lib/systemd/system',
    'var/log',
    'var/lib/cloud/instances/i',
  ])
    mkdirSync(join(root, path), { recursive: true })
  for (const copy of ['user-data.txt', 'obj.pkl', 'network-config.json'])
    writeFileSync(join(root, 'var/lib/cloud/instances/i', copy), 'correct horse')
  writeFileSync(join(root, 'run/cloud-init/result.json'), '{}')
  writeFileSync(join(root, 'run/cloud-init/instance-data-sensitive.json'), 'correct horse')
  writeFileSync(
    join(root, 'var/log/cloud-init.log'),
    "begun\nApplying {'password': 'correct horse'}\nPassword: correct horse\ndone\n",
  )
  writeFileSync(join(root, 'usr/lib/systemd/system/userconfig.service'), '')
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n')
  writeFileSync(join(root, 'etc/passwd'), '')
  writeFileSync(join(root, 'etc/group'), '')
  writeFileSync(join(root, 'etc/shadow'), '')
  writeFileSync(join(root, 'prelude'), prelude(root, shell))
  const inside = (text: string) =>
    text
      .replaceAll(/(?<![\w.$}/])\/(etc|var|run|boot|usr\/lib|usr\/local|lib)(?=\/)/g, `${root}/$1`)
      .replaceAll(/^(\s*)PATH=\S+/gm, `$1PATH=${bin}`)

  const boot = join(root, 'boot/firmware')
  const begun = { ...fresh[format] }
  for (const [name, text] of Object.entries(begun)) writeFileSync(join(boot, name), text)
  for (const { name, content } of formatOf(format).files(of, bootOf(begun)))
    writeFileSync(join(boot, name), inside(content))

  const at = (path: string) => join(root, path)
  const text = (path: string) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : undefined)
  // Steps until the power goes; 0: it never does.
  let power = 0
  const start = (path: string) => {
    writeFileSync(at('cut'), String(power))
    writeFileSync(at('steps'), '0')
    const words = [...shells[shell].split(' '), '-c', `echo $$ >${at('group')}; . ${at('prelude')}; . "$0"`, at(path)]
    const { status, stderr } = spawnSync('/usr/bin/setsid', words, {
      timeout: 20_000,
      env: { PATH: bin, LOG: at('log') },
    })
    const done = Number(text('steps'))
    const off = power > 0 && done >= power
    power = off || power === 0 ? 0 : power - done
    return { code: status, said: stderr.toString(), steps: done, off }
  }
  const unit = 'etc/systemd/system/multi-user.target.wants/provision-first-boot.service'
  const fromCard = 'boot/firmware/provision-seed.sh'
  const kept = 'var/lib/provision/first-boot/seed.sh'
  const byKernel = 'boot/firmware/provision-start.sh'
  const settled = () => ![unit, fromCard, byKernel].some((path) => existsSync(at(path)))
  /** What starts by itself: the format's own machinery as long as it is not switched off, and the unit. */
  const bootOnce = (): number => {
    rmSync(at('run/provision-first-boot'), { recursive: true, force: true })
    let total = 0
    // What it runs ends in a reboot, before the unit.
    if (text('boot/firmware/cmdline.txt')?.includes('systemd.run=')) return start(byKernel).steps
    if (format !== 'firstrun' && existsSync(at(fromCard)) && !existsSync(at('etc/cloud/cloud-init.disabled'))) {
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
    install: () => start(format === 'firstrun' ? byKernel : fromCard),
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
    expect(one.text('systemctl.log')).toMatch(/^disable userconfig.service$/m)
    expect(one.text('etc/ssh/sshd_config.d/rename_user.conf')).toBeUndefined()
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
