import type { Entry } from './log.ts'

/** What the ssh of a tunnel and systemd say when it does not come up, in plain words. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/Host key verification failed|HOST IDENTIFICATION HAS CHANGED/, 'it does not trust the host key of the gateway'],
  [/Permission denied \(/, 'the gateway refuses its key'],
  [
    /remote port forwarding failed for listen port/,
    'the gateway does not give it the port: somebody holds it, or its key may not have it',
  ],
  [
    /remote port forwarding failed for listen path/,
    'the gateway does not let it make its unix socket: is its folder there, and its own?',
  ],
  [/Could not resolve hostname/, 'it finds no address for the gateway'],
  [/Connection refused/, 'somebody at the address of the gateway refuses it'],
  [/timed out|Timeout, server/, 'the gateway did not answer'],
  [/Network is unreachable|No route to host/, 'it has no way to the gateway'],
  [/Not allowed at this time/, 'the gateway keeps its address out for a while (PerSourcePenalties)'],
  [/MaxStartups/i, 'the gateway has too many logins under way (MaxStartups)'],
  [/Load key|invalid format|error in libcrypto|UNPROTECTED PRIVATE KEY/, 'its key file cannot be used'],
  [
    /Failed at step CREDENTIALS|Failed to set up credentials|status=243/,
    'its key file is not there for systemd to hand over',
  ],
  [/Failed at step USER|determine user credentials|status=217/, 'the account that dials is not there'],
  [/Failed at step EXEC|status=203/, 'its program is not there'],
  [/[Bb]ad configuration option|Unsupported option/, 'its ssh does not know one of its options'],
  [/No space left on device/, 'its disk is full'],
  [/Connection (closed|reset)|Broken pipe/, 'the connection was cut off'],
]

/** The last thing that was said about why, and what it means; systemd's own words only where nobody else spoke. */
export function lastWords(journal: readonly Entry[]): { readonly said: string; readonly means?: string } | undefined {
  const last = journal.slice(-30)
  const spoken = last.filter(({ by }) => by !== 'systemd' && by !== '(ssh)')
  for (const some of [spoken, last]) {
    for (const { text } of some.toReversed()) {
      const means = meanings.find(([pattern]) => pattern.test(text))?.[1]
      if (means) return { said: text, means }
    }
  }
  const said = (spoken.at(-1) ?? last.at(-1))?.text
  return said === undefined ? undefined : { said }
}
