import { sh } from '../shell/sh.ts'
import { phrase } from './managed-files.ts'
import type { Resource } from './resource.ts'

/**
 * systemd follows the units whose names begin so as their files and drop-ins say now, and not as it has read them
 * before they were changed (NeedDaemonReload, systemctl(1)). Nothing is restarted.
 */
export function unitsRead(prefix: string): Resource {
  return {
    id: `units ${prefix}* as systemd has read them`,
    inspect: sh`
      systemctl show --property=Id,NeedDaemonReload ${`${prefix}*`} | while IFS='=' read -r key value; do
        case $key:$value in Id:*) unit=$value ;; *:yes) echo "@unread $unit" ;; esac
      done
    `,
    diff(now) {
      const unread = [...now.matchAll(/^@unread (\S+)$/gm)].map(([, name = '']) => name)
      if (unread.length === 0) return 'converged'
      return {
        summary: phrase('have systemd read again', unread).join(''),
        saves: [],
        commit: sh`:`,
        activate: sh`systemctl daemon-reload`,
        endsOnly: true,
      }
    },
  }
}
