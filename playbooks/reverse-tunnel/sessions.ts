import { type Forward, printListener, type Resource, type Seen, sh } from '../../src/index.ts'

/** Sessions of sshd that hold these places, of these accounts; those of root, and daemons, are never among them. */
export interface Sessions {
  readonly id: string
  readonly places: readonly Pick<Forward, 'bindAddress' | 'port'>[]
  /** Absent: of whichever account that is not root. */
  readonly account?: string
  /** Which of the places are to be freed, from what hosts have shown. Absent: all. */
  readonly when?: (seen: Seen) => readonly Pick<Forward, 'bindAddress' | 'port'>[]
}

/** What ss(8) is asked for, to show who listens there. */
export const listeningAt = (place: Pick<Forward, 'bindAddress' | 'port'>): string =>
  place.bindAddress === '*' ? `sport = :${place.port}` : `src ${printListener(place)}`

/** No such session holds any of these places: those that do are ended, a frozen one too. */
export function noSessionOn({ id, places, account, when = () => places }: Sessions): Resource {
  const filter = places.map(listeningAt).join(' or ')
  return {
    id,
    inspect: sh`
      ss -Hltnp ${filter} | grep '"sshd' | while read -r _ _ _ local _ users; do
        for pid in $(echo "$users" | grep -o 'pid=[0-9]*' | cut -d = -f 2); do
          echo "$local $pid $(ps -o user:40= -p "$pid" | tr -d ' ')"
        done
      done | sort -u
    `,
    diff(now, seen) {
      const wanted = when(seen).map((place) => printListener(place))
      const pids = [...now.matchAll(/^(\S+) (\d+) (\S+)$/gm)].flatMap(([, local = '', pid = '', user]) => {
        const isOne = account === undefined ? user !== 'root' : user === account
        const place = wanted.includes(local) || wanted.includes(local.replace(/^(0\.0\.0\.0|\[::\]):/, '*:'))
        return isOne && place ? [pid] : []
      })
      if (pids.length === 0) return 'converged'
      return {
        summary: `end the session${pids.length > 1 ? 's' : ''} of sshd, process ${pids.join(', ')}`,
        effect: 'remove',
        saves: [],
        endsOnly: true,
        commit: sh`:`,
        activate: sh`
          kill ${pids} 2>/dev/null || :
          tries=100
          for pid in ${pids}; do
            while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do tries=$((tries - 1)); sleep 0.05; done
            kill -KILL "$pid" 2>/dev/null || :
          done
        `,
      }
    },
  }
}
