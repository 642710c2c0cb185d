// What the fleet bench does to its labs from outside.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bin, provision, run } from '../kit.js'

/** Samples of the contenders, taken on the admin machine. */
export function timed(file, folder, what, count, rounds) {
  const words = [fileURLToPath(new URL('contenders.js', import.meta.url)), what, String(count), String(rounds), folder]
  return JSON.parse(provision('lab', 'run', file, '--', process.execPath, ...words))
}

/** Ansible needs Python on its hosts, which lab machines lack: that of this system, as a tar file. Undefined without Ansible. */
export function python(folder) {
  if (spawnSync('ansible-playbook', ['--version']).status !== 0) return undefined
  const rows = execFileSync('apt-get', ['indextargets', '--format', '$(ORIGIN) $(LABEL) $(REPO_URI)'], {
    encoding: 'utf8',
  })
  const mirror = /^Debian Debian (\S+)$/m.exec(rows)?.[1]
  const tar = join(folder, 'python.tar')
  // A Mitogen of this system needs one that is not much younger.
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const words = ['--quiet', '--mode=root', '--variant=extract', '--include=python3', suite, tar]
  return spawnSync('mmdebstrap', [...words, `deb ${mirror} ${suite} main`], { stdio: 'ignore' }).status === 0
    ? tar
    : undefined
}

/** Mitogen, out of the Debian packages that fit this system's Ansible; nothing is installed for it. */
export function giveMitogen(folder) {
  const packages = join(folder, 'mitogen')
  mkdirSync(packages)
  run('apt-get', ['-qq', 'download', 'ansible-mitogen', 'python3-mitogen'], { cwd: packages })
  for (const name of readdirSync(packages)) run('dpkg-deb', ['-x', join(packages, name), packages])
}

/** Unpacks it beside what the machines have. */
export function givePython(tar, file, names) {
  const unpack = ['tar', '-x', '-C', '/', '--skip-old-files', '--wildcards', './usr/bin/python3*', './usr/lib/*']
  for (const name of names) {
    const input = openSync(tar)
    run(process.execPath, [bin, 'lab', 'exec', file, name, '--', ...unpack], { stdio: [input, 'pipe', 'pipe'] })
    closeSync(input)
  }
}
