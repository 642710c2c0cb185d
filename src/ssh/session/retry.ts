import type { LoginOutcome } from './link.ts'
import type { Wire } from './wire.ts'

const MOST_RETRIES = 3

export type LoginAnswer = Exclude<LoginOutcome, { readonly kind: 'early' }>

/**
 * One attempt at a host, and up to three retries, with jitter, where it closed the connection before its banner: on
 * a socket of our own only, since through another host that may mean anything.
 * @throws ConnectError
 */
export async function connectWithRetry(
  attempt: () => Promise<LoginOutcome>,
  { wire, ownSocket }: { readonly wire: Wire; readonly ownSocket: boolean },
): Promise<LoginAnswer> {
  for (let retries = 0; ; ) {
    wire.counts.connections++
    const outcome = await attempt()
    if (outcome.kind !== 'early') return outcome
    if (!ownSocket || retries >= MOST_RETRIES) throw outcome.error
    await wire.sleep(100 * 2 ** retries++ * (0.5 + wire.random()))
    wire.counts.retries++
  }
}
