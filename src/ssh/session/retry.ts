import type { Outcome } from './link.ts'
import type { Wire } from './wire.ts'

const MOST_RETRIES = 3

export type Answer = Exclude<Outcome, { readonly kind: 'early' }>

/**
 * One attempt at a host, and another, up to three times and with jitter, where it hung up before it spoke: on a socket of
 * our own only, since one through another host may mean anything.
 * @throws ConnectError
 */
export async function knock(
  attempt: () => Promise<Outcome>,
  { wire, ownSocket }: { readonly wire: Wire; readonly ownSocket: boolean },
): Promise<Answer> {
  for (let retries = 0; ; ) {
    wire.counts.connections++
    const outcome = await attempt()
    if (outcome.kind !== 'early') return outcome
    if (!ownSocket || retries >= MOST_RETRIES) throw outcome.error
    await wire.sleep(100 * 2 ** retries++ * (0.5 + wire.random()))
    wire.counts.retries++
  }
}
