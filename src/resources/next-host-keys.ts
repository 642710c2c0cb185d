import { lines, sh } from '../shell/sh.ts'
import { forEachHostKey } from './host-keys.ts'
import { folders } from './managed-file.ts'
import type { Change, Late, Observed, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'
import { runningSshd } from './running-sshd.ts'
import { askSshd } from './sshd-effective.ts'
import { withReload } from './sshd-reload.ts'

const id = 'next host keys'
const inspect = forEachHostKey(sh`
  if [ -e "$key.next" ] && next=$(ssh-keygen -y -P '' -f "$key.next"); then echo "@next $key $(echo "$next" | cut -d ' ' -f 1,2)"
  else echo "@none $key"; fi
`)

/**
 * Host keys that sshd does not prove yet, beside those that it does: FILE.next for each of its key files, made by the
 * host itself. Begun where `begin` says so; what was begun is completed.
 */
export function nextHostKeys(begin: Late<boolean>): Resource {
  return {
    id,
    asks: [askSshd],
    inspect,
    hostKeys: nextKeys,
    diff(now, seen) {
      const wanted = known(begin, seen)
      if (wanted === undefined) return 'later'
      const missing = [...now.matchAll(/^@none (\S+)$/gm)].map(([, path = '']) => path)
      if (missing.length === 0 || (!wanted && nextKeys(now).length === 0)) return 'converged'
      return {
        summary: `make ${missing.map((path) => `${path}.next`).join(', ')}`,
        effect: 'add',
        saves: [...folders(missing[0] ?? ''), ...missing.flatMap((path) => [`${path}.next`, `${path}.next.pub`])],
        stage: lines(
          ...missing.map(
            (path, n) => sh`
              case $(ssh-keygen -l -f ${path}) in *ECDSA*) type=ecdsa ;; *RSA*) type=rsa ;; *) type=ed25519 ;; esac
              ssh-keygen -q -t "$type" -N '' -C '' -f "$stage/"${n}
            `,
          ),
        ),
        commit: lines(
          ...missing.map(
            (path, n) => sh`
              put "$stage/"${`${n}.pub`} ${`${path}.next.pub`} 644 root:root
              put "$stage/"${n} ${`${path}.next`} 600 root:root
            `,
          ),
        ),
      }
    },
  }
}

/**
 * The host keys that a host will prove after its switch; none where no rotation is under way, unknown until it was
 * looked at.
 */
export function nextHostKeysOf(host: string): Late<readonly string[]> {
  return (seen: Seen) => {
    const shown = seen.of(host, id)
    return shown === undefined ? undefined : nextKeys(shown)
  }
}

/**
 * The switch: sshd proves the next keys instead of its present ones, and the login that confirms it has to see one of
 * them. `when` decides, given the next keys; undefined: what it needs is still to come in this run.
 */
export function switchHostKeys(when: (next: readonly string[], seen: Seen) => boolean | undefined): Resource {
  return {
    id: 'switch of host keys',
    facts: [runningSshd],
    asks: [askSshd],
    inspect,
    diff(now, seen) {
      const next = nextKeys(now)
      if (next.length === 0) return 'converged'
      const ready = /^@none /m.test(now) ? undefined : when(next, seen)
      if (!ready) return ready === undefined ? 'later' : 'converged'
      const paths = [...now.matchAll(/^@next (\S+) /gm)].map(([, path = '']) => path)
      const change: Change = {
        summary: 'switch to the next host keys, and reload sshd',
        saves: paths.flatMap((path) => [path, `${path}.pub`, `${path}.next`, `${path}.next.pub`]),
        validate: sh`sshd -t ${paths.flatMap((path) => ['-h', `${path}.next`])}`,
        commit: lines(
          ...paths.map(
            (path) => sh`
              put ${`${path}.next`} ${path} 600 root:root
              put ${`${path}.next.pub`} ${`${path}.pub`} 644 root:root
              rm -f ${`${path}.next`} ${`${path}.next.pub`}
            `,
          ),
        ),
        hostKeys: next,
      }
      return withReload(change, seen)
    },
  }
}

function nextKeys(now: Observed): readonly string[] {
  return [...now.matchAll(/^@next \S+ (\S+ \S+)$/gm)].map(([, key = '']) => key)
}
