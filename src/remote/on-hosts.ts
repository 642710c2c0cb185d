import pLimit from 'p-limit'
import { ProvisionError } from '../errors.ts'
import type { Device, Gateway } from '../inventory/model.ts'
import { type ReachContext, reach } from '../ssh/reach/reach.ts'
import type { FullSession } from '../ssh/session/session.ts'

/** How the work on one host ended. */
export interface HostEnd<T> {
  readonly name: string
  /** The route, as the session names it; absent: it was not reached. */
  readonly via?: string
  /** What came of it. */
  readonly value?: T
  readonly error?: ProvisionError
}

export interface OnHosts {
  readonly context: ReachContext
  /** So many at once, and not one more: `--forks 1` is one after the other. */
  readonly forks: number
  readonly signal: AbortSignal
}

/**
 * Work on several hosts, each over a login of its own by the first route that works. A host that cannot be reached does
 * not stop the others. The ends are in the order of the hosts; `at`: the place of this one.
 */
export function onHosts<T>(
  hosts: readonly (Gateway | Device)[],
  { context, forks, signal }: OnHosts,
  work: (session: FullSession, at: number) => Promise<T>,
): Promise<HostEnd<T>[]> {
  const limit = pLimit(forks)
  return Promise.all(
    hosts.map((host, at) =>
      limit(async () => {
        let session: FullSession | undefined
        try {
          session = await reach(host, context, { signal })
          return { name: host.name, via: session.via, value: await work(session, at) }
        } catch (error) {
          if (!(error instanceof ProvisionError)) throw error
          return { name: host.name, ...(session && { via: session.via }), error }
        } finally {
          session?.close()
        }
      }),
    ),
  )
}

/** As of a run: 3 where a host was not reached, else 1 where the work failed on one. */
export function exitCodeOf<E extends { readonly via?: string }>(
  ends: readonly E[],
  isGood: (end: E) => boolean,
): number {
  if (ends.some(({ via }) => via === undefined)) return 3
  return ends.every(isGood) ? 0 : 1
}
