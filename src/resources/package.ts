import { sh } from '../shell/sh.ts'
import type { Resource } from './resource.ts'

/** A Debian package. Waits for another apt instead of failing (apt 1.9.11 and newer), as a fresh Pi updates itself. */
export function installedPackage(name: string): Resource {
  const apt = sh`env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120`
  return {
    id: `package ${name}`,
    // One that was purged may still be known, by others that name it.
    inspect: sh`
      status=$(dpkg-query -W -f '\${db:Status-Status}' ${name})
      case $status in '' | not-installed) echo absent ;; *) echo "$status" ;; esac
    `,
    diff(now) {
      if (now.trim() === 'installed') return 'converged'
      return {
        summary: 'install',
        effect: 'add',
        saves: [],
        validate: sh`
          command -v apt-get >/dev/null || { echo 'apt-get is not installed on this host' >&2; exit 1; }
          ${apt} install --simulate ${name} >/dev/null 2>&1 || ${apt} update >&2
          ${apt} install --simulate ${name} >/dev/null
        `,
        commit: sh`${apt} install --yes --no-install-recommends ${name} >&2`,
        undo: sh`${apt} ${now.trim() === 'config-files' ? 'remove' : 'purge'} --yes ${name} >&2`,
      }
    },
  }
}
