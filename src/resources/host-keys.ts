import { lines, type Sh, sh } from '../shell/sh.ts'
import type { Late, Resource, Seen } from './resource.ts'
import { askSshd } from './sshd-effective.ts'

/** Does this for each private host key, whose path is in $key. */
export function forEachHostKey(work: Sh): Sh {
  return sh`
    ${askSshd}
    IFS=${'\n'}
    for key in $host_keys; do
      if [ -s "$key" ] || [ -s "$key.pub" ]; then
        ${work}
      fi
    done
  `
}

/** Sets $public to the public half of the host key $key. */
export const publicHalf = sh`
  public=$(ssh-keygen -y -P '' -f "$key") || read -r public <"$key.pub"
  rest=\${public#* * }
  public=\${public%" $rest"}
`

/** A fact: the host keys that this host's sshd is configured to prove, from its next reload on. It wants nothing. */
export const hostKeys: Resource = {
  id: 'host keys',
  asks: [askSshd],
  inspect: sh`
    {
      ${forEachHostKey(lines(publicHalf, sh`echo "$public"`))}
    } | sort
  `,
  diff: () => 'converged',
}

/** The host keys of a host, as `ssh-ed25519 AAAA…`; unknown until it has been looked at. */
export function hostKeysOf(host: string): Late<readonly string[]> {
  return (seen: Seen) => {
    const keys = seen.of(host, hostKeys.id)?.match(/^(ssh|ecdsa)-\S+ \S+$/gm)
    return keys?.length ? keys : undefined
  }
}
