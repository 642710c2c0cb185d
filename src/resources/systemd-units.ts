import type { Change, Resource, Seen } from '../resource.ts'
import { lines, type Sh, sh } from '../sh.ts'
import { folders } from './managed-file.ts'
import { filesChange, inspectFiles, parseFiles, phrase, type WantedFile, wantedFiles } from './managed-files.ts'
import { verifyUnits } from './systemd-unit.ts'

export interface Unit extends WantedFile {
  /** The target that pulls it in: it is enabled and runs. Absent: a timer, a socket or nobody starts it. */
  readonly wantedBy?: string
}

export interface UnitOptions {
  readonly settle?: number
  readonly lingers?: readonly string[]
  /** Of a unit that is not wanted, by its text: it stays all the same. */
  readonly spares?: (content: string, seen: Seen) => boolean
}

const home = '/etc/systemd/system'
const nameOf = (link: string) => link.replace(/.*\//, '')
const linkOf = ({ name, wantedBy }: Unit) => `${wantedBy}.wants/${name}`

/**
 * Of all units whose names begin alike, exactly these: written, enabled, running; others are stopped and removed. A unit is
 * restarted only when its own file changed, and one that runs has to become active within `settle` seconds (restarts by
 * systemd included), else its journal is the reason of the undo. What `lingers` is not stopped when it is removed: it runs
 * until it ends by itself, and is not started again.
 */
export function systemdUnits(
  prefix: string,
  units: readonly Unit[],
  { settle = 30, lingers = [], spares = () => false }: UnitOptions = {},
): Resource {
  const pulled = units.filter(({ wantedBy }) => wantedBy !== undefined)
  return {
    id: `systemd-units ${prefix}*`,
    inspect: lines(
      inspectFiles(home, `${prefix}*`),
      inspectLinks(prefix),
      pulled.length > 0 ? inspectStates(pulled.map(({ name }) => name)) : undefined,
    ),
    diff(now, seen) {
      const wanted = wantedFiles(units, seen)
      if (wanted === 'later') return 'later'
      const all = parseFiles(now)
      const spared = ([name, { content }]: [string, { content: string }]) => !wanted.has(name) && spares(content, seen)
      const there = new Map([...all].filter((file) => !spared(file)))
      const isSpared = (link: string) => all.has(nameOf(link)) && !there.has(nameOf(link))
      const running = pulled.filter(({ name }) => wanted.get(name) !== undefined || there.has(name))
      const names = running.map(({ name }) => name)
      const files = filesChange(home, there, wanted)
      if (files !== 'converged' && 'refused' in files) return files
      const written = files === 'converged' ? [] : files.written
      const removed = files === 'converged' ? [] : files.removed
      const links = new Map([...now.matchAll(/^@link (\S+) (\S+)$/gm)].map(([, link = '', to = '']) => [link, to]))
      const runs = new Set([...now.matchAll(/^@runs (\S+)$/gm)].map(([, name]) => name))
      const enable = running.filter((unit) => links.get(linkOf(unit)) !== `${home}/${unit.name}`)
      const disable = [...links.keys()].filter(
        (link) => !isSpared(link) && !running.some((unit) => linkOf(unit) === link),
      )
      const restart = names.filter((name) => written.includes(name) && runs.has(name))
      const start = names.filter((name) => !runs.has(name))
      if (files === 'converged' && enable.length + disable.length + start.length === 0) return 'converged'
      /** Of those that others start: what runs of them runs by the old file. */
      const idle = written.filter((name) => !names.includes(name))
      const interrupted = [
        ...restart,
        ...removed.filter((name) => !lingers.includes(name)),
        ...idle.filter((name) => there.has(name)),
      ]
      const moved = {
        written,
        removed,
        lingers,
        restart,
        start,
        idle,
        before: [...runs, ...disable.map((link) => nameOf(link))].filter((name) => name !== undefined),
      }
      return {
        summary: [
          ...(files === 'converged' ? [] : [files.change.summary]),
          ...phrase(
            'enable',
            enable.map(({ name }) => name),
          ),
          ...phrase(
            'disable',
            disable.map((link) => nameOf(link)).filter((name) => !removed.includes(name)),
          ),
          ...phrase('restart', restart),
          ...phrase('start', start),
        ].join(', '),
        ...(files !== 'converged' && files.change.text && { text: files.change.text }),
        saves: [
          ...new Set([
            ...folders(`${home}/x`),
            ...(files === 'converged' ? [] : files.change.saves),
            ...[...enable.map(linkOf), ...disable].flatMap((link) => [
              ...folders(`${home}/${link}`).slice(-1),
              `${home}/${link}`,
            ]),
          ]),
        ],
        ...(files !== 'converged' && files.change.stage && { stage: files.change.stage }),
        ...(written.length > 0 && { validate: verifyUnits(written) }),
        commit: lines(
          files === 'converged' ? undefined : files.change.commit,
          ...enable.map(
            (unit) =>
              sh`folder ${`${home}/${unit.wantedBy}.wants`}; ln -sfn ${`${home}/${unit.name}`} ${`${home}/${linkOf(unit)}`}`,
          ),
          ...disable.map((link) => sh`rm -f ${`${home}/${link}`}`),
        ),
        activate: activate(moved, names, settle),
        ...(interrupted.length > 0 && { interrupts: { units: interrupted, seconds: settle } }),
        undo: undo(moved),
      } satisfies Change
    },
  }
}

const inspectLinks = (prefix: string) =>
  sh`find ${home} -mindepth 2 -maxdepth 2 -type l -path '*.wants/*' -name ${`${prefix}*`} -printf '@link %P %l\n' | sort`

/** One process for all of them, however many, and in half the time of `show`. Between two failed tries a unit may be `deactivating` for a while. */
const inspectStates = (names: readonly string[]) => sh`
  set -- ${names}
  systemctl is-active "$@" | for unit; do
    read -r state
    case $state in active|activating|reloading|deactivating) echo "@runs $unit" ;; esac
  done
`

interface Moved {
  readonly lingers: readonly string[]
  readonly written: readonly string[]
  readonly removed: readonly string[]
  readonly idle: readonly string[]
  readonly restart: readonly string[]
  readonly start: readonly string[]
  readonly before: readonly string[]
}

function activate({ removed, lingers, idle, restart, start }: Moved, names: readonly string[], settle: number): Sh {
  const stop = [...removed, ...idle].filter((name) => !lingers.includes(name))
  return lines(
    sh`systemctl daemon-reload`,
    stop.length > 0 ? sh`systemctl stop ${stop} 2>/dev/null || :` : undefined,
    removed.length > 0 ? sh`systemctl reset-failed ${removed} 2>/dev/null || :` : undefined,
    restart.length > 0 ? sh`systemctl restart ${restart} || :` : undefined,
    start.length > 0 ? sh`systemctl start ${start} || :` : undefined,
    restart.length + start.length > 0 ? settled(names, settle) : undefined,
  )
}

/** Asked twice: a service of Type=simple is active before it has had the time to fail. */
function settled(names: readonly string[], settle: number): Sh {
  return sh`
    tries=${settle * 4}
    calm=0
    while [ "$tries" -gt 0 ]; do
      calm=$((calm + 1))
      states=$(systemctl is-active ${names} || :)
      for state in \${states:-unknown}; do
        case $state in
          active) ;;
          failed|inactive) break 2 ;;
          *) calm=0 ;;
        esac
      done
      if [ "$calm" = 2 ]; then exit; fi
      tries=$((tries - 1))
      sleep 0.25
    done
    for unit in ${names}; do
      if ! systemctl is-active --quiet "$unit"; then
        echo "$unit does not come up:" >&2
        journalctl --quiet --no-pager --output=cat --lines=10 --unit="$unit" >&2
      fi
    done
    exit 1
  `
}

function undo({ written, removed, start, before }: Moved): Sh {
  const back = [...new Set(before)].filter((name) => written.includes(name) || removed.includes(name))
  const stop = [...new Set([...start, ...written.filter((name) => !back.includes(name))])]
  return lines(
    sh`systemctl daemon-reload`,
    stop.length > 0 ? sh`systemctl stop ${stop} 2>/dev/null || :` : undefined,
    stop.length > 0 ? sh`systemctl reset-failed ${stop} 2>/dev/null || :` : undefined,
    back.length > 0 ? sh`systemctl restart --no-block ${back}` : undefined,
  )
}
