import { lines, type Sh, sh } from '../shell/sh.ts'

/** What becomes of units, by their names. */
export interface UnitMoves {
  readonly removed: readonly string[]
  /** Of those that are removed: what runs of them goes on. */
  readonly lingers: readonly string[]
  readonly restart: readonly string[]
  readonly start: readonly string[]
  /** Written, and started by others: what runs of them runs by the old file. */
  readonly idle: readonly string[]
  /** What ran before. */
  readonly before: readonly string[]
}

/**
 * Prints `@runs UNIT` for each that runs: one process for all of them, however many, and in half the time of `show`.
 * Between two failed tries a unit may be `deactivating` for a while.
 */
export const inspectStates = (names: readonly string[]) => sh`
  set -- ${names}
  systemctl is-active "$@" | for unit; do
    read -r state
    case $state in active|activating|reloading|deactivating) echo "@runs $unit" ;; esac
  done
`

/** Has systemd read the files and follow them; `settle` seconds for `names` to be active, 0: nobody waits. */
export function activateUnits(
  { removed, lingers, idle, restart, start }: UnitMoves,
  names: readonly string[],
  settle: number,
): Sh {
  const stop = [...removed, ...idle].filter((name) => !lingers.includes(name))
  return lines(
    sh`systemctl daemon-reload`,
    stop.length > 0 ? sh`systemctl stop ${stop} 2>/dev/null || :` : undefined,
    removed.length > 0 ? sh`systemctl reset-failed ${removed} 2>/dev/null || :` : undefined,
    restart.length > 0 ? sh`systemctl restart ${restart} || :` : undefined,
    start.length > 0 ? sh`systemctl start ${start} || :` : undefined,
    settle > 0 ? settled(names, settle) : undefined,
  )
}

/**
 * A service of Type=simple, exec or idle is active before it has had the time to fail: it has to stay so for a quarter
 * of a second.
 * (Where a machine has slept, /proc/uptime is ahead of systemd's clock: there it counts at once.)
 */
function settled(names: readonly string[], settle: number): Sh {
  return sh`
    tries=${settle * 10}
    while [ "$tries" -gt 0 ]; do
      states=$(systemctl show --property=Type,ActiveState,ActiveEnterTimestampMonotonic ${names})
      read -r uptime _ </proc/uptime
      # In hundredths of a second.
      uptime=$((\${uptime%.*}00 + 1\${uptime#*.} - 100))
      calm=1 type='' state='' entered=0
      # An empty line ends each unit, and another one the last.
      while IFS='=' read -r name value; do
        case $name in
          Type) type=$value ;;
          ActiveState) state=$value ;;
          ActiveEnterTimestampMonotonic) entered=$value ;;
          *)
            case $state in
              active) case $type in simple | exec | idle) [ $((uptime - entered / 10000)) -ge 25 ] || calm=0 ;; esac ;;
              failed | inactive) break 2 ;;
              *) calm=0 ;;
            esac
            type='' state='' entered=0
            ;;
        esac
      done <<END
  $states

  END
      [ "$calm" = 0 ] || exit 0
      tries=$((tries - 1))
      sleep 0.1
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

/** The former files are back: what ran by them runs again. */
export function undoUnits({ removed, restart, start, idle, before }: UnitMoves): Sh {
  const back = [...new Set(before)].filter((name) => restart.includes(name) || removed.includes(name))
  const stop = [...new Set([...start, ...idle])]
  return lines(
    sh`systemctl daemon-reload`,
    stop.length > 0 ? sh`systemctl stop ${stop} 2>/dev/null || :` : undefined,
    stop.length > 0 ? sh`systemctl reset-failed ${stop} 2>/dev/null || :` : undefined,
    back.length > 0 ? sh`systemctl restart --no-block ${back}` : undefined,
  )
}
