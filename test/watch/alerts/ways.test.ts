import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Alert } from '../../../src/inventory/model.ts'
import { type AlertEvent, eventText, headline, type Message } from '../../../src/watch/alerts/message.ts'
import { messageOf } from '../../../src/watch/alerts/outbox.ts'
import { targetsOf } from '../../../src/watch/alerts/targets.ts'
import { type Got, hang, receiver } from './server.ts'

const down: AlertEvent = {
  ...{ kind: 'down', name: 'host-a', role: 'device', groups: ['site'], since: '2026-11-01T10:00:00.000Z' },
  ...{ state: 'no-tunnel', cause: 'unit: it is <stopped> @all & <!channel>', mend: 'systemctl start it' },
}
const up: AlertEvent = {
  ...{ kind: 'up', name: 'host-a', role: 'device', groups: ['site'], since: '2026-11-01T10:10:00.000Z' },
  ...{ awaySeconds: 600, cause: 'unit: it is stopped' },
}
const message: Message = messageOf([down], Date.UTC(2026, 10, 1, 10, 2), { inventory: 'i.json', watcher: 'host-w' })

async function server(answer?: Parameters<typeof receiver>[0]) {
  const it = await receiver(answer)
  onTestFinished(() => void it.close())
  return it
}
const send = (alert: Alert, env: Record<string, string>) => targetsOf([alert], env)[0]?.send(message)
const webhook: Alert = { kind: 'webhook', url: { env: 'URL' }, secret: { env: 'KEY' } }

test('what is told reads as a sentence', () => {
  expect(eventText({ ...down, cause: 'the unit is stopped' })).toBe(
    'host-a is down since 2026-11-01 10:00:00 UTC (no-tunnel): the unit is stopped; to mend it: systemctl start it',
  )
  expect(eventText(up)).toBe('host-a is back after 10 min since 2026-11-01 10:10:00 UTC; it was: unit: it is stopped')
  expect(headline([down])).toBe('host-a is down')
  expect(headline([down, up, down, down])).toBe('3 down, 1 back: host-a, host-a, host-a and 1 more')
})

test('a webhook gets the whole message, signed with its time', async () => {
  const { got, url } = await server()
  await send(webhook, { URL: `${url}/hook?x=1`, KEY: 'shared' })
  const [{ path, headers, body } = {} as Got] = got
  expect(path).toBe('/hook?x=1')
  expect(JSON.parse(body)).toEqual(message)
  const time = Date.UTC(2026, 10, 1, 10, 2) / 1000
  const signature = createHmac('sha256', 'shared').update(`${time}.${body}`).digest('hex')
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': message.id,
    'x-provision-signature': `t=${time},v1=${signature}`,
  })
})

test('a server that is slow is waited for, and gets it once', async () => {
  const { got, url } = await server((_, response) => {
    hang(_, response)
    setTimeout(() => response.end(), 200)
  })
  await send(webhook, { URL: url, KEY: 'k' })
  expect(got.length).toBe(1)
})

describe('a server that does not take it', () => {
  test('answers 500', async () => {
    const { url } = await server((_, response) => void response.writeHead(500).end())
    await expect(send(webhook, { URL: url, KEY: 'k' })).rejects.toThrow('127.0.0.1 answered 500')
  })

  test('hangs', async () => {
    const { url } = await server(hang)
    const { timeout } = AbortSignal
    const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout.call(AbortSignal, 50))
    onTestFinished(() => spy.mockRestore())
    await expect(send(webhook, { URL: url, KEY: 'k' })).rejects.toThrow('127.0.0.1 did not answer within 20 s')
  })

  test('is not there', async () => {
    await expect(send(webhook, { URL: 'http://127.0.0.1:9/secret', KEY: 'k' })).rejects.toThrow(
      /^127.0.0.1 could not be reached/,
    )
  })

  test('moves round and round', async () => {
    const { got, url } = await server((_, response) => void response.writeHead(308, { location: '/on' }).end())
    await expect(send(webhook, { URL: url, KEY: 'k' })).rejects.toThrow('127.0.0.1 answered 308')
    expect(got.length).toBe(4)
  })
})

test('where the server has moved the message follows, by POST, without what authorises us', async () => {
  const next = await server()
  const { url } = await server((_, response) => void response.writeHead(301, { location: `${next.url}/new` }).end())
  await send({ kind: 'ntfy', url: { env: 'URL' }, token: { env: 'KEY' } }, { URL: url, KEY: 'tk_secret' })
  expect(next.got).toMatchObject([{ path: '/new', body: message.text }])
  expect(next.got[0]?.headers).not.toHaveProperty('authorization')
})

test('a secret is in no message of ours, whatever is wrong with it', async () => {
  const all = [
    send(webhook, { URL: 'not a url: hunter2', KEY: 'k' }),
    send(webhook, { URL: 'http://127.0.0.1:9/hunter2', KEY: 'hunter2' }),
    send(webhook, {}),
    send({ kind: 'mail', to: 'a@b.c', smtp: { env: 'URL' } }, { URL: 'smtp://u:hunter2@127.0.0.1:9' }),
    send({ kind: 'webhook', url: { file: '/nonexistent' } }, {}),
  ]
  const found = await Promise.allSettled(all)
  expect(found.map((one) => (one.status === 'rejected' ? one.reason.message : 'sent'))).toEqual([
    'what is kept there is not a URL of https or http',
    expect.stringMatching(/^127.0.0.1 could not be reached/),
    'the environment variable URL is not set or empty',
    expect.stringMatching(/^the mail was not accepted \(E\w+\)$/),
    '/nonexistent cannot be read (ENOENT)',
  ])
})

test('ntfy gets the text, and says at once how bad it is', async () => {
  const { got, url } = await server()
  await send({ kind: 'ntfy', url: { env: 'URL' }, token: { env: 'KEY' } }, { URL: `${url}/topic`, KEY: 'tk' })
  expect(got).toMatchObject([
    {
      path: '/topic',
      body: message.text,
      headers: { title: 'host-a is down', priority: '4', authorization: 'Bearer tk' },
    },
  ])
})

test('in a chat nobody is called by what a host says', async () => {
  const { got, url } = await server()
  await send({ kind: 'chat', url: { env: 'URL' } }, { URL: url })
  const { text } = JSON.parse(got[0]?.body ?? '')
  expect(text).toContain('&lt;stopped&gt; @\u200ball &amp; &lt;!channel&gt;')
})

test('Discord gets what it calls content, and may call nobody', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(undefined, { status: 204 }))
  onTestFinished(() => fetched.mockRestore())
  await send({ kind: 'chat', url: { env: 'URL' } }, { URL: 'https://discord.com/api/webhooks/1/x' })
  expect(JSON.parse(String(fetched.mock.calls[0]?.[1]?.body))).toEqual({
    content: message.text,
    allowed_mentions: { parse: [] },
  })
})

/** As little of a mail server as it takes (RFC 5321). */
async function mailServer() {
  const mails: string[] = []
  const listening = createServer((socket) => {
    let data: string | undefined
    socket.write('220 here\r\n')
    socket.setEncoding('utf8').on('data', (text: string) => {
      if (data !== undefined) {
        data += text
        if (!data.endsWith('\r\n.\r\n')) return
        mails.push(data)
        data = undefined
        socket.write('250 taken\r\n')
      } else if (/^DATA/.test(text)) {
        data = ''
        socket.write('354 go on\r\n')
      } else if (/^QUIT/.test(text)) socket.end('221 bye\r\n')
      else socket.write('250 ok\r\n')
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
  onTestFinished(() => void listening.close())
  return { mails, url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}` }
}

test('a mail has the headline as its subject and the text in it', async () => {
  const { mails, url } = await mailServer()
  await send({ kind: 'mail', to: 'ops@example.org', smtp: { env: 'SMTP' } }, { SMTP: url })
  expect(mails.length).toBe(1)
  expect(mails[0]).toContain('Subject: provision: host-a is down\r\n')
  expect(mails[0]).toContain('From: provision@host-w\r\n')
  expect(mails[0]).toContain('To: ops@example.org\r\n')
  expect(mails[0]).toContain(`Message-ID: <${message.id}@host-w>`)
})

describe('a program', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'provision-exec-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('gets the message on its standard input', async () => {
    const to = join(folder, 'got')
    await send({ kind: 'exec', argv: ['sh', '-c', 'cat >"$1"', 'sh', to] }, {})
    expect(JSON.parse(await readFile(to, 'utf8'))).toEqual(message)
  })

  test('that fails, or is not there, has not told anybody', async () => {
    const program = join(folder, 'program')
    await writeFile(program, 'no program')
    await expect(send({ kind: 'exec', argv: ['false'] }, {})).rejects.toThrow('false ended with exit code 1')
    await expect(send({ kind: 'exec', argv: [program] }, {})).rejects.toThrow(/cannot be started \(EACCES\)/)
  })
})
