import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { headline, type Message } from './message.ts'
import { NotSent, post } from './post.ts'

/** One function for each way to tell people. Each returns once the message has arrived. @throws NotSent */

/** The whole message as JSON. The signature is over the time and the body, so that nobody can send an old one again. */
export async function byWebhook(message: Message, url: string, secret: string | undefined): Promise<void> {
  const body = JSON.stringify(message)
  const time = String(Math.floor(Date.parse(message.at) / 1000))
  const signature = secret && createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  await post(url, {
    body,
    headers: {
      'idempotency-key': message.id,
      ...(signature && { 'x-provision-signature': `t=${time},v1=${signature}` }),
    },
  })
}

export async function byNtfy(message: Message, url: string, token: string | undefined): Promise<void> {
  const { events, text } = message
  const bad = events.some(({ kind }) => kind === 'down' || kind === 'flapping')
  await post(url, {
    type: 'text/plain; charset=utf-8',
    // What is longer ntfy makes a file of.
    body: cut(text, 3500),
    headers: {
      title: headline(events),
      priority: bad ? '4' : '3',
      tags: bad ? 'red_circle' : 'green_circle',
      ...(token && { authorization: `Bearer ${token}` }),
    },
  })
}

/** Slack and Mattermost call it `text`, Discord `content`. No name and no message of a host can call anybody. */
export async function byChat({ text }: Message, url: string): Promise<void> {
  const discord = URL.canParse(url) && /(^|\.)discord(app)?\.com$/.test(new URL(url).hostname)
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const body = discord
    ? { content: cut(text, 1900), allowed_mentions: { parse: [] } }
    : { text: cut(escaped.replaceAll('@', '@\u200b'), 3500) }
  await post(url, { body: JSON.stringify(body) })
}

export interface MailWish {
  readonly to: string
  readonly from: string | undefined
  /** `smtp://…` or `smtps://…`. Absent: the program sendmail. */
  readonly smtp: string | undefined
}

export async function byMail(message: Message, { to, from, smtp }: MailWish): Promise<void> {
  const { createTransport } = await import('nodemailer')
  const times = { connectionTimeout: 20_000, greetingTimeout: 20_000, socketTimeout: 30_000 }
  const transport = smtp === undefined ? createTransport({ sendmail: true }) : createTransport({ url: smtp, ...times })
  try {
    await transport.sendMail({
      to,
      from: from ?? `provision@${message.watcher}`,
      subject: `provision: ${headline(message.events)}`,
      text: `${message.text}\n\n${message.inventory}, seen from ${message.watcher} at ${message.at}\n`,
      messageId: `<${message.id}@${message.watcher}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
  } catch (error) {
    // Its words may hold the account; its code and the server's answer do not.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code'
    const answer =
      error instanceof Error && 'responseCode' in error ? `, the server answered ${error.responseCode}` : ''
    throw new NotSent(`the mail was not accepted (${code}${answer})`)
  } finally {
    transport.close()
  }
}

const execMs = 60_000

/** A program of the user's own; exit code 0 means that the message has arrived. */
export function byExec(message: Message, [program = '', ...words]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      stdio: ['pipe', 'ignore', 'inherit'],
      timeout: execMs,
      killSignal: 'SIGKILL',
    })
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new NotSent(`${program} cannot be started (${error.code})`)),
    )
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new NotSent(`${program} ended with ${signal ?? `exit code ${code}`}`))
    })
    // It may end without reading.
    child.stdin.on('error', () => undefined).end(`${JSON.stringify(message)}\n`)
  })
}

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
