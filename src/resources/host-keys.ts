import { type Sh, sh } from '../shell/sh.ts'
import type { Late, Resource, Seen } from './resource.ts'

/** A fact: the host keys that this host's sshd is configured to prove, from its next reload on. It wants nothing. */
export const hostKeys: Resource = {
  id: 'host keys',
  inspect: sh`
    ${hostKeyFiles()} | while IFS= read -r key; do
      { ssh-keygen -y -P '' -f "$key" || cat "$key.pub"; } | cut -d ' ' -f 1,2
    done | sort
  `,
  diff: () => 'converged',
}

/** Prints the paths of the private host keys, a line each. */
export function hostKeyFiles(): Sh {
  return sh`{
      [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
      { sshd -T || printf 'hostkey %s\n' /etc/ssh/ssh_host_*_key; } | sed -n 's/^hostkey //p' |
        while IFS= read -r key; do if [ -s "$key" ] || [ -s "$key.pub" ]; then printf '%s\n' "$key"; fi; done
    }`
}

/** The host keys of a host, as `ssh-ed25519 AAAA…`; unknown until it has been looked at. */
export function hostKeysOf(host: string): Late<readonly string[]> {
  return (seen: Seen) => {
    const keys = seen.of(host, hostKeys.id)?.match(/^(ssh|ecdsa)-\S+ \S+$/gm)
    return keys?.length ? keys : undefined
  }
}
