import { type Sh, sh } from '../shell/sh.ts'
import { defaults, fileChange, folders, inspectFile, parseFile } from './managed-file.ts'
import type { Late, Resource } from './resource.ts'
import { known } from './resource.ts'

/**
 * A systemd service that is written, enabled and running. It is restarted only when its file changed, and has to become
 * active within `settle` seconds (restarts by systemd included), else its journal is the reason of the undo.
 */
export function systemdUnit(name: string, unit: { content: Late<string>; settle?: number }): Resource {
  const path = `/etc/systemd/system/${name}`
  const link = `/etc/systemd/system/multi-user.target.wants/${name}`
  return {
    id: `systemd-unit ${name}`,
    inspect: sh`
      [ "$(readlink -f ${link})" = ${path} ] && echo enabled || echo disabled
      case $(systemctl show --property=ActiveState --value ${name}) in
        active | activating | reloading) echo running ;;
        *) echo stopped ;;
      esac
      ${inspectFile(path)}
    `,
    diff(now, seen) {
      const [enabled, running, ...rest] = now.split('\n')
      const content = known(unit.content, seen)
      if (content === undefined) return 'later'
      const change = fileChange(path, parseFile(rest.join('\n')), { ...defaults, content })
      if (change !== 'converged' && 'refused' in change) return change
      if (change === 'converged' && enabled === 'enabled' && running === 'running') return 'converged'
      const written = change === 'converged' ? [] : [change.summary]
      const summary = [
        ...written,
        ...(enabled === 'enabled' ? [] : ['enable']),
        running === 'running' ? 'restart' : 'start',
      ]
      return {
        summary: summary.join(', ').replace(/, ([^,]*)$/, ' and $1'),
        ...(change !== 'converged' && change.text && { text: change.text }),
        saves: [...folders(path), path, ...folders(link).slice(-1), link],
        stage: sh`printf %s ${content} >"$stage/"${name}`,
        validate: verifyUnits([name]),
        commit: sh`
          put "$stage/"${name} ${path} 644 root:root
          folder ${link.replace(/\/[^/]*$/, '')}
          ln -sfn ${path} ${link}
        `,
        activate: sh`
          systemctl daemon-reload
          systemctl restart ${name} || :
          tries=${(unit.settle ?? 30) * 2}
          while [ "$tries" -gt 0 ]; do
            # Twice: a service of Type=simple is active before it has had the time to fail.
            if systemctl is-active --quiet ${name} && sleep 0.2 && systemctl is-active --quiet ${name}; then exit; fi
            case $(systemctl is-active ${name}) in failed | inactive) break ;; esac
            tries=$((tries - 1))
            sleep 0.5
          done
          journalctl --quiet --no-pager --output=cat --lines=10 --unit=${name} >&2
          exit 1
        `,
        ...(running === 'running' && { interrupts: { units: [name], seconds: unit.settle ?? 30 } }),
        undo:
          running === 'running'
            ? sh`systemctl daemon-reload; systemctl restart --no-block ${name}`
            : sh`systemctl stop ${name} 2>/dev/null || :; systemctl daemon-reload; systemctl reset-failed ${name} 2>/dev/null || :`,
      }
    },
  }
}

/**
 * Staged units, by what systemd says of them: what it does not know it only warns of, and then ignores. systemd before
 * 250 has no --recursive-errors, and judges the named units alone anyway.
 */
export function verifyUnits(names: readonly string[]): Sh {
  return sh`
    cd "$stage" || exit
    SYSTEMD_UNIT_PATH="$stage:"
    export SYSTEMD_UNIT_PATH
    verify() { systemd-analyze verify "$1" ${names.map((name) => `./${name}`)} >verdict 2>&1; }
    if ! verify --recursive-errors=no; then
      if ! grep -q 'unrecognized option' verdict || ! verify --man=no; then
        cat verdict >&2
        exit 1
      fi
    fi
    if grep -E 'Unknown (key|lvalue|section)' verdict >&2; then exit 1; fi
  `
}
