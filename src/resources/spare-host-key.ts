import { lines, sh } from '../shell/sh.ts'
import { forEachHostKey, publicHalf } from './host-keys.ts'
import type { Change, Resource } from './resource.ts'
import { runningSshd } from './running-sshd.ts'
import { askSshd } from './sshd-effective.ts'
import { withReload } from './sshd-reload.ts'

/** Where the private half waits for its transaction: in memory, for root alone. No script and no plan holds it. */
export const deliveredSpare = '/run/provision-spare-host-key'

/**
 * A host that was installed anew proves this key, and no other: whoever knew the host before trusts only this one, and
 * an ssh that has pinned keys of other types would rather ask for those (ed25519 comes first since OpenSSH 8.5). The
 * private half has been put at `deliveredSpare` before.
 */
export function spareHostKey(publicKey: string): Resource {
  return {
    id: 'spare host key',
    facts: [runningSshd],
    asks: [askSshd],
    inspect: sh`
      # Of a call that was cut off. In the guard's own shells, which know $current, it is ours.
      if [ -z "\${current-}" ] && [ -e /var/lib/provision/current/pending ]; then echo @unconfirmed; fi
      {
        ${forEachHostKey(lines(publicHalf, sh`echo "@key $key $public"`))}
      } | sort
    `,
    diff(now, seen) {
      if (/^@unconfirmed$/m.test(now)) {
        return {
          refused: 'a change of an earlier run was not confirmed, and will be undone soon',
          hint: 'run again in a minute',
        }
      }
      const all = [...now.matchAll(/^@key (\S+) (\S+ \S+)$/gm)].map(([, path = '', key = '']) => ({ path, key }))
      if (all.length === 1 && all[0]?.key === publicKey) return 'converged'
      const path = all.find(({ key }) => key.startsWith('ssh-ed25519 '))?.path
      if (path === undefined) {
        return {
          refused: 'sshd has no ed25519 host key that could be replaced',
          hint: 'create one on that host: ssh-keygen -A',
        }
      }
      const others = all.filter((each) => each.path !== path).map((each) => each.path)
      const change: Change = {
        summary: `switch to the spare host key${others.length > 0 ? ' and no other' : ''}, and reload sshd`,
        ...(others.length > 0 && { effect: 'remove' }),
        saves: [path, ...others].flatMap((file) => [file, `${file}.pub`]),
        stage: sh`
          [ -e ${deliveredSpare} ] || { echo 'the private half of the spare host key did not arrive with this run' >&2; exit 1; }
          mv ${deliveredSpare} "$stage/key"
          chmod 600 "$stage/key"
          ssh-keygen -y -P '' -f "$stage/key" >"$stage/key.pub"
        `,
        validate: sh`
          [ "$(cut -d ' ' -f 1,2 <"$stage/key.pub")" = ${publicKey} ] ||
            { echo 'the private half that arrived belongs to another key' >&2; exit 1; }
          sshd -t -h "$stage/key"
        `,
        commit: lines(
          sh`put "$stage/key" ${path} 600 root:root`,
          sh`put "$stage/key.pub" ${`${path}.pub`} 644 root:root`,
          ...(others.length > 0 ? [sh`rm -f ${others.flatMap((file) => [file, `${file}.pub`])}`] : []),
        ),
        hostKeys: [publicKey],
      }
      return withReload(change, seen)
    },
  }
}
