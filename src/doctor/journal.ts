import type { Entry } from './log.ts'

/** What the ssh of a tunnel and systemd log when the tunnel does not start, in plain words. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/Host key verification failed|HOST IDENTIFICATION HAS CHANGED/, 'it does not trust the host key of the gateway'],
  [/Permission denied \(/, 'the gateway refuses its key'],
  [
    /remote port forwarding failed for listen port/,
    'the gateway does not give it the port: another program holds the port, or its key is not allowed to use it',
  ],
  [
    /remote port forwarding failed for listen path/,
    'the gateway does not let it create its unix socket: does the folder exist, and does the account own it?',
  ],
  [/Could not resolve hostname/, 'it finds no address for the gateway'],
  [/Connection refused/, 'the address of the gateway refuses the connection'],
  [/timed out|Timeout, server/, 'the gateway did not answer'],
  [/Network is unreachable|No route to host/, 'it has no route to the gateway'],
  [/Not allowed at this time/, 'the gateway refuses its address for a while (PerSourcePenalties)'],
  [/MaxStartups/i, 'the gateway has too many logins under way (MaxStartups)'],
  [/Load key|invalid format|error in libcrypto|UNPROTECTED PRIVATE KEY/, 'its key file cannot be used'],
  [/Failed at step CREDENTIALS|Failed to set up credentials|status=243/, 'systemd does not find its key file'],
  [/Failed at step USER|determine user credentials|status=217/, 'the account of its unit does not exist'],
  [/Failed at step EXEC|status=203/, 'its program does not exist'],
  [/[Bb]ad configuration option|Unsupported option/, 'its ssh does not know one of its options'],
  [/No space left on device/, 'its disk is full'],
  [/Connection (closed|reset)|Broken pipe/, 'the connection was cut off'],
]

/** The last line about the cause, and what it means; systemd's own lines only where there are no others. */
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
