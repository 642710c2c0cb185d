import { sh } from '../shell/sh.ts'
import type { Late, Resource, Seen } from './resource.ts'

/**
 * A question: sets $openssh, as `10.0p2 Debian-7`, in the shell's own words but for one process. An sshd before 9.3
 * knows no -V, and says its version while it complains.
 */
export const askOpenSsh = sh`
  if [ -z "\${openssh+known}" ]; then
    openssh=$(sshd -V 2>&1)
    case $openssh in *OpenSSH_*) ;; *) openssh= ;; esac
    openssh=\${openssh#*OpenSSH_}
    openssh=\${openssh%%,*}
  fi
`

/** A fact: which OpenSSH and systemd this host has. It wants nothing. */
export const versions: Resource = {
  id: 'versions',
  asks: [askOpenSsh],
  inspect: sh`
    ${askOpenSsh}
    [ -z "$openssh" ] || echo "openssh \${openssh%%[!0-9.]*}"
    systemd=$(systemctl --version)
    systemd=\${systemd#systemd }
    [ -z "$systemd" ] || echo "systemd \${systemd%%[!0-9]*}"
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
