import { sh } from '../shell/sh.ts'
import { folders } from './managed-file.ts'
import type { Late, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'

/** The id by which others find the public half: `publicKey(host, path)`. */
const idOf = (path: string) => `key-pair ${path}`

/**
 * An ed25519 key pair that the host makes for itself, readable by its owner alone. The private half never leaves the
 * host; what an inspect prints is the public half. A key file that is empty or broken, as a power cut leaves it, is
 * made anew.
 */
export function keyPair(path: string, wanted: { owner: Late<string>; comment: string }): Resource {
  const { comment } = wanted
  return {
    id: idOf(path),
    inspect: sh`
      if [ -s ${path} ] && key=$(ssh-keygen -y -P '' -f ${path}); then
        rest=\${key#* * }
        stat -c '%a %U' ${path} && echo "\${key%" $rest"}"
      elif [ -e ${path} ]; then echo broken
      else echo absent
      fi
    `,
    diff(now, seen) {
      const owner = known(wanted.owner, seen)
      if (owner === undefined) return 'later'
      const rights = now.split('\n', 1)[0] ?? ''
      if (rights === `600 ${owner}`) return 'converged'
      if (/^\d/.test(rights)) {
        return {
          summary: `make it readable by ${owner} alone`,
          saves: [path],
          commit: sh`chown ${owner}: ${path} && chmod 600 ${path}`,
        }
      }
      return {
        summary: rights === 'absent' ? 'make a key on the host' : 'replace the broken key',
        ...(rights === 'absent' && { effect: 'add' }),
        saves: [...folders(path), path, `${path}.pub`],
        stage: sh`ssh-keygen -q -t ed25519 -N '' -C ${comment} -f "$stage/key"`,
        commit: sh`
          put "$stage/key.pub" ${`${path}.pub`} 644 root:root
          put "$stage/key" ${path} 600 ${owner}:
        `,
      }
    },
  }
}

/** The public half of a host's key pair, as `ssh-ed25519 AAAA…`; unknown until that host has made it. */
export function publicKey(host: string, path: string): Late<string> {
  return (seen: Seen) => seen.of(host, idOf(path))?.match(/^ssh-ed25519 \S+$/m)?.[0]
}
