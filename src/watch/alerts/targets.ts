import { createHash } from 'node:crypto'
import { errorCode } from '../../files/atomic.ts'
import { keptText } from '../../files/kept-text.ts'
import type { Alert, SecretPlace } from '../../inventory/model.ts'
import type { AlertEvent, Message } from './message.ts'
import { NotSent } from './post.ts'
import { byChat, byExec, byMail, byNtfy, byWebhook } from './ways.ts'

/** Somebody who is told. */
export interface AlertTarget {
  /** The same one after a restart, and after the inventory was edited elsewhere. */
  readonly key: string
  /** For people: `alerts[0] (webhook)`. */
  readonly name: string
  readonly quiet?: Alert['quiet']
  wants(event: AlertEvent): boolean
  /** @throws NotSent */
  send(message: Message): Promise<void>
}

type Env = Readonly<Record<string, string | undefined>>

/** Secrets are read at each message, so that a file that is changed counts at once, and held no longer. */
export function targetsOf(alerts: readonly Alert[], env: Env): AlertTarget[] {
  return alerts.map((alert, index) => {
    const { groups, quiet, ...way } = alert
    const name = `alerts[${index}] (${alert.kind})`
    return {
      key: createHash('sha256').update(JSON.stringify(way)).digest('hex').slice(0, 12),
      name,
      ...(quiet && { quiet }),
      wants: (event) =>
        groups === undefined || event.kind === 'test' || event.groups.some((one) => groups.includes(one)),
      send: (message) => send(alert, message, env),
    }
  })
}

async function send(alert: Alert, message: Message, env: Env): Promise<void> {
  if (alert.kind === 'exec') return byExec(message, alert.argv)
  if (alert.kind === 'mail') {
    const { to, from, smtp } = alert
    return byMail(message, { to, from, smtp: smtp && (await secretAt(smtp, env)) })
  }
  const url = await secretAt(alert.url, env)
  if (alert.kind === 'webhook') return byWebhook(message, url, alert.secret && (await secretAt(alert.secret, env)))
  if (alert.kind === 'ntfy') return byNtfy(message, url, alert.token && (await secretAt(alert.token, env)))
  return byChat(message, url)
}

/** @throws NotSent */
export async function secretAt(place: SecretPlace, env: Env): Promise<string> {
  const where = 'env' in place ? `the environment variable ${place.env}` : place.file
  const found = await keptText(place, env).catch((error: unknown) => {
    throw new NotSent(`${where} cannot be read (${errorCode(error) ?? 'no code'})`)
  })
  if (found === undefined) throw new NotSent(`${where} is ${'env' in place ? 'not set or ' : ''}empty`)
  return found
}
