import type { Late, Resource, Seen } from '../resource.ts'
import { sh } from '../sh.ts'

/** A fact: which OpenSSH and systemd this host has. It wants nothing. */
export const versions: Resource = {
  id: 'versions',
  // An sshd before 9.3 knows no -V, and says its version while it complains.
  inspect: sh`
    sshd -V 2>&1 | sed -n 's/.*OpenSSH_\([0-9]*\.[0-9]*\).*/openssh \1/p' | head -n 1
    systemctl --version | sed -n 's/^systemd \([0-9]*\).*/systemd \1/p'
  `,
  diff: () => 'converged',
}

/** `9.2` for OpenSSH, `252` for systemd; unknown until the host has been looked at, `0` where it has none. */
export function versionOf(host: string, program: 'openssh' | 'systemd'): Late<string> {
  return (seen: Seen) => {
    const shown = seen.of(host, versions.id)
    return shown === undefined ? undefined : (new RegExp(`^${program} (\\S+)$`, 'm').exec(shown)?.[1] ?? '0')
  }
}
