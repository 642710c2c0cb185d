import { type Resource, sh } from '../../src/index.ts'

/** No session of sshd holds any of these ports: those that do are ended, a frozen one too. */
export function noSessionOn(ports: readonly number[], id: string): Resource {
  const filter = ports.map((port) => `sport = :${port}`).join(' or ')
  return {
    id,
    inspect: sh`ss -Hltnp ${filter} | grep '"sshd' | grep -o 'pid=[0-9]*' | sort -u`,
    diff(now) {
      const pids = [...new Set([...now.matchAll(/^pid=(\d+)$/gm)].map(([, pid = '']) => pid))]
      if (pids.length === 0) return 'converged'
      return {
        summary: 'end them',
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
