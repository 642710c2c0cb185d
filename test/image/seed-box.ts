import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatOf } from '../../src/image/formats/detect.ts'
import type { Seed } from '../../src/image/seed/seed.ts'
import type { FormatName } from '../../src/image/seed/seed-script.ts'
import { bootOf, fresh, run, seed, temporary, withWifi } from './kit.ts'

/** Ends with 0 at its second run, and leaves a line for each. Like the real one, it may be gone by then. */
const program = `runs=/etc/runs
echo run >>"$runs"
[ -s /etc/reverse-tunnel/enrolment/key ] || exit 9
[ "$(grep -c . "$runs")" -ge 2 ] || exit 3
rm -f /etc/reverse-tunnel/first-boot
`
export const host: Seed = { ...withWifi, program: { ...seed.program, content: program } }

const steps = 'mkdir chmod mv rm ln dd cp sh sync chown useradd usermod systemctl'.split(' ')

/** The shell that is tried, as the words of a command. */
export const shells = { dash: 'dash', busybox: 'busybox ash' }
export type Shell = keyof typeof shells

/** All that a seed finds to run, but for what `prelude` has. Nothing of it changes more than the files that it is told. */
export function tools(): string {
  const bin = temporary()
  for (const name of 'busybox cat chmod cp cut dash dd grep ln mkdir mv rm rmdir sed tr wc'.split(' '))
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
echo "$login:*:1000:1000:$2:${root}/home/$login:/bin/bash" >>${root}/etc/passwd; command mkdir -p ${root}/home/$login`,
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
export function device(
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
