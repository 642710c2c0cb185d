import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Change, Resource } from '../../../../src/resources/resource.ts'
import { observeScript, parseObservations } from '../../../../src/run/plan/observation.ts'
import {
  abandonScript,
  applyScript,
  confirmScript,
  parseAnswer,
  type TransactionAnswer,
  watchScript,
} from '../../../../src/run/transaction/script.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { lookBackScript, parsePast, undoScript } from '../../../../src/undo/script.ts'
import { until } from '../../../ssh/session/fixture.ts'

/** What stands before each state in a look. */
const mark = 'seen-in-a-box'

/** The user and group that the tests run as, in place of root. */
export const user = userInfo().username
export const group = execFileSync('id', ['-gn']).toString().trim()

/**
 * A host in a folder: the real guard, run by dash, with its fixed paths turned to the folder. systemd is two stubs: one
 * starts the guard in the background, in a process group of its own, the other knows whether it is still alive.
 */
export function box() {
  const root = mkdtempSync(join(tmpdir(), 'provision-guard-'))
  const [bin, etc, home, systemd] = ['bin', 'etc', 'lib/provision', 'systemd'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [bin, etc, join(root, 'lib'), systemd, join(root, 'hold')]) mkdirSync(path, { recursive: true })
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/dash\n${text}\n`, { mode: 0o755 })
  program(
    'systemd-run',
    `[ ! -e ${root}/no-systemd ] || { echo 'Failed to connect to bus' >&2; exit 1; }
while [ "$1" != /bin/sh ]; do shift; done
shift
setsid dash "$@" </dev/null >>${root}/guard.log 2>&1 &
echo $! >${root}/guard.pid`,
  )
  program(
    'systemctl',
    `[ "$1" = is-active ] || exit 1
pid=$(cat ${root}/guard.pid 2>/dev/null)
if [ -e ${root}/restarting ]; then echo activating; exit 3; fi
if kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; then echo active; exit; fi
echo inactive
exit 3`,
  )
  program('sync', ':')
  // Copies fail while there is a file of this name, as on a full disk.
  program(
    'cp',
    `case $* in *saved/*provision-old) [ ! -e ${root}/full ] || exit 1 ;; *' 'saved/*) [ ! -e ${root}/no-save ] || exit 1 ;; esac\nexec /bin/cp "$@"`,
  )
  program('ln', `[ ! -e ${root}/no-links ] || case $1 in -*) ;; *) exit 1 ;; esac\nexec /bin/ln "$@"`)

  const inBox = (text: string) =>
    text
      .replaceAll('/var/lib/provision', home)
      .replaceAll('/etc/systemd/system', systemd)
      .replaceAll(/^(\s*)PATH=\S+/gm, `$1PATH=${bin}:/usr/sbin:/usr/bin:/sbin:/bin`)
      .replaceAll('sync -f /etc', ':')
      // Where something does not come back, nobody waits long for it here.
      .replaceAll(/^within=\d+$/gm, 'within=3')
  const run = (text: string) => {
    const { stdout, stderr } = spawnSync('dash', ['-s'], {
      input: inBox(text),
      cwd: root,
      timeout: 30_000,
      env: { PATH: `${bin}:/usr/bin:/bin`, HOME: root },
    })
    return { stdout, stderr: stderr.toString() }
  }
  let count = 0
  const watching: ChildProcess[] = []
  const state = join(home, 'current')
  const connections: ReturnType<typeof spawn>[] = []
  const alive = () => spawnSync(join(bin, 'systemctl'), ['is-active']).status === 0
  return {
    root,
    etc,
    home,
    current: state,
    alive,
    inBox,
    /** Stands in front of the real one, for everybody here. */
    program,
    id: () => `t-${count++}`,
    /** Sends an apply and waits for what the host says. */
    apply(id: string, resources: readonly Resource[], { confirmWithinSeconds = 30, who = 'user001 on host001' } = {}) {
      const { script } = this.planned(id, resources, confirmWithinSeconds, who)
      const { stdout, stderr } = run(script)
      return (
        parseAnswer(stdout, resources) ?? {
          outcome: `nothing: ${stdout}${stderr}` as TransactionAnswer['outcome'],
          shown: new Map(),
        }
      )
    },
    send: (script: string, resources: readonly Resource[]) => parseAnswer(run(script).stdout, resources),
    /** Sends an apply and does not wait. */
    begin(id: string, resources: readonly Resource[], { confirmWithinSeconds = 30 } = {}) {
      return this.start(this.planned(id, resources, confirmWithinSeconds, 'user001 on host001').script)
    },
    start(script: string) {
      const child = spawn('dash', ['-s'], {
        cwd: root,
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        env: { PATH: `${bin}:/usr/bin:/bin` },
      })
      connections.push(child)
      child.stdin?.end(inBox(script))
      watching.push(child)
      return child
    },
    planned(id: string, resources: readonly Resource[], confirmWithinSeconds: number, who: string) {
      const shown = this.look(resources)
      const changes = resources.flatMap((resource) => {
        const now = shown.get(resource.id)
        const change = now && resource.diff(now.text, { of: () => undefined, gone: () => false, failed: () => false })
        if (!now || typeof change !== 'object' || 'refused' in change) return []
        return [{ resource, change, digest: now.digest }]
      })
      return { changes, script: applyScript({ id, who, confirmWithinSeconds, resources, changes, before: shown }) }
    },
    look: (resources: readonly Resource[]) =>
      parseObservations(run(observeScript(resources, mark)).stdout, resources, mark),
    /** What `provision undo` asks this host first. */
    lookBack: () => parsePast(Buffer.from(run(lookBackScript()).stdout)),
    /** Sends an undo of these, or of the last run, and waits for what the host says. */
    takeBack(
      id: string,
      { confirmWithinSeconds = 30, ids }: { confirmWithinSeconds?: number; ids?: readonly string[] } = {},
    ) {
      const taken = ids ?? this.lookBack()?.ids ?? []
      const { stdout, stderr } = run(undoScript({ id, who: 'user002 on host002', confirmWithinSeconds, ids: taken }))
      const answer = parseAnswer(stdout, [])
      if (!answer) throw new Error(`nothing: ${stdout}${stderr}`)
      return answer
    },
    /** Sends an undo of the last run and does not wait. */
    beginToTakeBack(id: string) {
      const ids = this.lookBack()?.ids ?? []
      this.start(undoScript({ id, who: 'user002 on host002', confirmWithinSeconds: 30, ids }))
    },
    confirm: (id: string) => parseAnswer(run(confirmScript(id)).stdout, []),
    watch: (id: string) => parseAnswer(run(watchScript(id)).stdout, []),
    abandon: (id: string, why: string) => parseAnswer(run(abandonScript(id, why)).stdout, []),
    /** What a person says at the console. */
    console(word: string) {
      const { status, stderr } = spawnSync('dash', [join(state, 'guard.sh'), word], { cwd: root, timeout: 20_000 })
      return { status, stderr: stderr.toString() }
    },
    /** What systemd does after a crash, or at the next boot. */
    restart(word: 'run' | 'boot') {
      const guard = join(state, 'guard.sh')
      spawnSync('dash', [guard, word], { cwd: root, timeout: 20_000 })
      rmSync(join(root, 'restarting'), { force: true })
    },
    restartInBackground() {
      const text = `setsid dash ${state}/guard.sh run </dev/null >/dev/null 2>&1 & echo $! >${root}/guard.pid`
      spawnSync('dash', ['-c', text], { cwd: root, stdio: 'ignore' })
      rmSync(join(root, 'restarting'), { force: true })
    },
    /** kill -9 of the guard and everything it started. systemd is about to start it again; a power cut ends all there is. */
    async kill(how: 'crash' | 'power cut') {
      if (how === 'crash') writeFileSync(join(root, 'restarting'), '')
      const pid = Number(readFileSync(join(root, 'guard.pid'), 'utf8'))
      process.kill(-pid, 'SIGKILL')
      if (how === 'crash') return
      for (const child of connections) {
        if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
      }
      const ended = () => connections.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
      await until(() => !alive() && ended(), 'the guard and its connections are dead')
    },
    history: () => (existsSync(join(home, 'history')) ? readdirSync(join(home, 'history')) : []),
    outcome: (id: string) => readFileSync(join(home, 'history', id, 'outcome'), 'utf8').trim(),
    armed: () => readdirSync(systemd, { recursive: true }).filter((name) => String(name).endsWith('recover.service')),
    flag: (name: string) => writeFileSync(join(root, name), ''),
    unflag: (name: string) => rmSync(join(root, name), { force: true }),
    write: (name: string, text: string, mode = 0o644) => writeFileSync(join(etc, name), text, { mode }),
    linkTo: (name: string, path: string) => symlinkSync(join(etc, name), path),
    read: (name: string) => readFileSync(join(etc, name), 'utf8'),
    tree: () => tree(etc),
    end() {
      try {
        process.kill(-Number(readFileSync(join(root, 'guard.pid'), 'utf8')), 'SIGKILL')
      } catch {
        // It has ended, or never began.
      }
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export type Box = ReturnType<typeof box>

/** Everything below a folder: kind, mode, owner and bytes. */
export function tree(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true }).map(String).sort()
  return Object.fromEntries(
    names.map((name) => {
      const path = join(folder, name)
      const about = lstatSync(path)
      const what = about.isSymbolicLink()
        ? `link ${readlinkSync(path)}`
        : about.isDirectory()
          ? 'folder'
          : `file ${readFileSync(path).toString('base64')} ${about.mtimeMs}`
      return [name, `${(about.mode & 0o7777).toString(8)} ${about.uid}:${about.gid} ${what}`]
    }),
  )
}

/** A resource that does just what the test says. */
export function thing(id: string, change: Partial<Change>, inspect = sh`echo ${id}`): Resource {
  return { id, inspect, diff: () => ({ summary: id, saves: [], commit: sh`:`, ...change }) }
}
