import type { Device, Gateway } from '../inventory/model.ts'
import { sh } from '../shell/sh.ts'
import type { Session } from '../ssh/session/session.ts'
import { enrolAccount, enrolledFolder, enrolments, nameOnGateways } from '../tunnel/names.ts'

/** What a gateway has seen of a card that it waits for. */
export interface EnrolmentLog {
  /** What was handed in: see `handedIn`. Empty: nothing. */
  readonly record: string
  /** Who came first with the same card and other keys. */
  readonly other?: Omit<EnrolmentEntry, 'what'>
  /** The card of this device that the gateway waits for. */
  readonly card?: { readonly digest: string; readonly over: boolean }
  /** The answers to those who had the key of a card, the newest last. */
  readonly said: readonly EnrolmentEntry[]
  /** Keys that sshd refused at the account of enrolments, whoever had them. */
  readonly refusedKeys: readonly EnrolmentEntry[]
}

export interface EnrolmentEntry {
  readonly at: Date
  readonly from: string
  readonly what: string
}

export async function readEnrolmentLog(session: Session, gateway: Gateway, device: Device): Promise<EnrolmentLog> {
  const name = nameOnGateways(device)
  const { stdout } = await session.exec(`${script(gateway, name).text}\n`, { timeoutMs: 20_000, privileged: true })
  return parseEnrolmentLog(stdout.toString(), name)
}

const script = (gateway: Gateway, device: string) => sh`
  echo "now $(date +%s)"
  if [ -e ${`${enrolledFolder}/${device}`} ]; then sed '1s/^/record /; 2s/^/other /' ${`${enrolledFolder}/${device}`}; fi
  if [ -e ${enrolments} ]; then
    while read -r _ _ _ whose expires digest _; do
      if [ "$whose" = ${device} ]; then echo "card $expires $digest"; fi
    done <${enrolments}
    since=$(stat -c %Y ${enrolments})
    echo "since $since"
    journalctl -q --no-pager -o short-unix -t provision-enrol -n 500 2>/dev/null | sed 's/^/said /'
    journalctl -q --no-pager -o short-unix -t sshd -t sshd-session -t sshd-auth --since "@$since" -n 5000 2>/dev/null |
      grep -F ${` by authenticating user ${enrolAccount(gateway)} `} | tail -n 100 | sed 's/^/sshd /'
  fi
  :
`

export function parseEnrolmentLog(text: string, device: string): EnrolmentLog {
  const rows = text.split('\n')
  const now = Number(/^now (\d+)$/m.exec(text)?.[1])
  const [, expires, digest = ''] = /^card (\d+) (\S+)$/m.exec(text) ?? []
  const [, otherAt, otherFrom = ''] = /^other (\d{1,11}) (\S+)$/m.exec(text) ?? []
  const mine = ` ${device}, card ${digest.slice(0, 8)}, from `
  // Which card it was is known of those that were signed; of others, that they came since a card was made or forgotten.
  const since = Number(/^since (\d+)$/m.exec(text)?.[1])
  const said = rows.flatMap((row): EnrolmentEntry[] => {
    const [, at, what = '', from = ''] = /^said (\d{1,11})\b\S* .*?\]: (.*), from (\S+)$/.exec(row) ?? []
    const ours = row.includes(mine) || (row.includes(`(it says ${device}), from `) && Number(at) >= since)
    return at && ours ? [{ at: time(at), from, what: what.replace(/, .*/, '') }] : []
  })
  const refusedKeys = rows.flatMap((row): EnrolmentEntry[] => {
    const [, at, from = ''] = /^sshd (\d{1,11})\b\S* .* by authenticating user \S+ (\S+) port/.exec(row) ?? []
    return at ? [{ at: time(at), from, what: 'refused key' }] : []
  })
  return {
    record: /^record (.+)$/m.exec(text)?.[1] ?? '',
    ...(otherAt && { other: { at: time(otherAt), from: otherFrom } }),
    ...(expires && { card: { digest, over: Number(expires) <= now } }),
    said,
    refusedKeys,
  }
}

const time = (seconds: string) => new Date(Number(seconds) * 1000)

/** Why a card has not come back yet, as far as this gateway can tell: a sentence and what to do. */
export function explainEnrolment(
  { name }: Gateway,
  { card, record, other, said, refusedKeys }: EnrolmentLog,
): { message: string; hint: string } {
  const last = said.at(-1)
  const answer = last && /^refused: (\w+)/.exec(last.what)?.[1]
  const of = ({ at, from }: Omit<EnrolmentEntry, 'what'>) => `at ${at.toISOString()} from ${from}`
  const story = last && of(last)
  const second = (record.includes(` ${card?.digest} `) && other) || (answer === 'used' && last)
  const newCard = 'make a new card: provision image'
  if (!card) return { message: `${name} expects no card for this device`, hint: newCard }
  if (answer === 'expired') return { message: `the card had expired when it was tried ${story}`, hint: newCard }
  if (second) {
    const message = `the card was used before, and was tried again ${of(second)} with other keys`
    return {
      message,
      hint: 'two machines have started from the same card, or from a copy of it: find out which, and make a new card',
    }
  }
  if (answer === 'name') {
    return { message: `the card was tried ${story} under another name: ${last?.what}`, hint: 'write the card again' }
  }
  if (answer) {
    return {
      message: `a card was tried ${story} and refused: ${answer}`,
      hint: 'write the card again: it is damaged or outdated',
    }
  }
  if (record.includes(` ${card.digest} `)) {
    return {
      message: `the card was used${story ? ` ${story}` : ''}, but no tunnel has come up since`,
      hint: 'wait until the device dials for the first time',
    }
  }
  if (card.over) return { message: `the card has expired, and was not used at ${name}`, hint: newCard }
  const refused = refusedKeys.at(-1)
  if (refused) {
    const when = `${refusedKeys.length === 1 ? 'once' : `${refusedKeys.length} times`}, last at ${refused.at.toISOString()} from ${refused.from}`
    return {
      message: `${name} refused the key of a card ${when}`,
      hint: 'write the card again, if it is an older one or has expired',
    }
  }
  if (last) return { message: `the card was tried ${story}: ${last.what}`, hint: 'the device tries again by itself' }
  return {
    message: `the card has not been used at ${name} yet`,
    hint: `is the device switched on, and can it reach ${name}?`,
  }
}
