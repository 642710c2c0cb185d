import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { files } from './formats/files.ts'
import { fresh, type Texts, temporary } from './kit.ts'

/** What only root may do, or what ends the machine, leaves a line in `log`; a script of a card finds it all in its PATH. */
const stubs: Readonly<Record<string, string>> = {
  systemctl: `case "$*" in
is-system-running) if [ -e $root/stopping ]; then echo stopping; else echo running; fi ;;
reboot | *' reboot') echo reboot >>$root/log; : >$root/stopping ;;
*) echo "systemctl $*" >>$root/log ;;
esac`,
  reboot: 'echo reboot >>$root/log; : >$root/stopping',
  'systemd-run': ':',
  sync: ':',
  mount: ':',
  did: 'echo "did $*" >>$root/log',
}

export type FirstrunBox = ReturnType<typeof firstrunBox>

/** A card of bookworm that has got its seed, and the system that it boots, in a folder: what the kernel's command line names is run. */
export function firstrunBox(boot: Texts) {
  const root = temporary()
  const folder = join(root, 'boot/firmware')
  const at = (name: string) => join(folder, name)
  mkdirSync(folder, { recursive: true })
  mkdirSync(join(root, 'bin'))
  for (const [name, body] of Object.entries(stubs)) {
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\nroot=${root}\n${body}\n`, { mode: 0o755 })
  }
  const inside = (text: string) =>
    text
      .replaceAll(/(?<![\w.$}/])\/(boot|var|usr\/local)(?=\/)/g, `${root}/$1`)
      .replaceAll('/boot/firstrun.sh', at('firstrun.sh'))
  const put = (name: string, text: string) => {
    writeFileSync(at(name), name === 'cmdline.txt' ? text : inside(text))
    chmodSync(at(name), 0o755)
  }
  for (const [name, text] of Object.entries({ ...boot, ...files('firstrun', boot) })) put(name, text)
  put('provision-seed.sh', `echo seed >>${root}/log\n`)
  const text = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  const cmdline = () => text('boot/firmware/cmdline.txt') ?? ''
  return {
    root,
    put,
    text,
    cmdline,
    has: (name: string) => existsSync(at(name)),
    log: () => (text('log') ?? '').split('\n').filter(Boolean),
    /** What systemd has the kernel's command line run, if anything: its exit code. */
    boot(shell: readonly string[] = ['dash']) {
      rmSync(join(root, 'stopping'), { force: true })
      const [, name] = /systemd\.run=(\S+)/.exec(cmdline().replaceAll(root, '')) ?? []
      const note = (line: string) => writeFileSync(join(root, 'log'), `${line}\n`, { flag: 'a' })
      const units = (file: string) => text(`usr/local/lib/systemd/system/${file}`) !== undefined
      if (name === undefined) {
        // systemd makes a service all the same, without a command, and reboots when that has ended.
        if (/systemd\.run_success_action=/.test(cmdline())) {
          const caught = units('kernel-command-line.service.d/provision.conf')
          note(caught ? 'as ever, by the drop-in' : 'dead: it reboots')
          return { code: 0, said: '' }
        }
        const aimed = /systemd\.unit=/.test(cmdline())
        note(!aimed ? 'as ever' : units('kernel-command-line.target') ? 'as ever, by the unit' : 'dead: no target')
        return { code: 0, said: '' }
      }
      const failed = () =>
        note(units('kernel-command-line.service.d/provision.conf') ? 'as ever, on failure' : 'dead: it failed')
      if (!existsSync(join(root, name))) {
        failed()
        return { code: 203, said: '' }
      }
      const script = inside(readFileSync(join(root, name), 'utf8'))
      writeFileSync(join(root, 'program'), script)
      const [command = '', ...words] = [...shell, join(root, 'program')]
      const env = { PATH: `${root}/bin:/usr/sbin:/usr/bin:/sbin:/bin` }
      const { status, signal, stderr } = spawnSync(command, words, { env, timeout: 20_000, cwd: '/' })
      if (status !== 0) failed()
      return { code: status ?? signal, said: stderr.toString() }
    },
    /** `provision-start.sh end`, as the seed's unit has it run. */
    end() {
      const script = at('provision-start.sh')
      if (!existsSync(script)) return
      spawnSync('dash', ['-s', 'end'], {
        input: inside(readFileSync(script, 'utf8')),
        env: { PATH: `${root}/bin:/usr/bin:/bin` },
      })
    },
    /** Booted until nothing is left to run, or nothing reboots by itself. */
    settle(shell?: readonly string[]) {
      for (let boots = 1; boots <= 20; boots++) {
        const before = this.log().length
        this.boot(shell)
        if (!this.log().slice(before).includes('reboot')) return boots
      }
      throw new Error(`a boot loop: ${this.log().join('; ')}`)
    },
  }
}

const named = {
  'cmdline.txt': `${fresh.firstrun['cmdline.txt'].trim()} systemd.run=/boot/firstrun.sh systemd.unit=kernel-command-line.target\n`,
}
export const cleanUp = `rm -f /boot/firmware/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/firmware/cmdline.txt
`
export const card = (script: string) => ({ ...fresh.firstrun, ...named, 'firstrun.sh': script })
export const boxOf = (script: string) => firstrunBox(card(script))
/** Nothing is left on the command line, nothing of ours on the card; the seed is for its unit to end. */
export function expectSettled(box: FirstrunBox) {
  expect(box.cmdline().trimEnd()).toBe(fresh.firstrun['cmdline.txt'].trimEnd())
  expect([box.has('provision-start.sh'), box.text('usr/local/lib/systemd/system/kernel-command-line.target')]).toEqual([
    false,
    undefined,
  ])
}
