import { expect, test } from 'vitest'
import { complaints, parse } from '../parse.ts'

const text = (alerts: unknown, more: object = {}) =>
  JSON.stringify({ gateways: { gw: {} }, devices: { pi: {} }, groups: { site: { devices: ['pi'] } }, alerts, ...more })
const complaint = (alert: unknown) => complaints(text([alert])).replaceAll(/inventory\.json:\d+:\d+ /g, '')

test('targets as the program sees them', () => {
  const { alerts, watch } = parse(
    text(
      [
        { webhook: 'env:URL', secret: 'file:secret', groups: ['site'], quiet: '22:00-07:30' },
        { ntfy: 'env:URL', token: 'env:TOKEN' },
        { chat: 'env:URL' },
        { mail: 'a@example.org, b@example.org', from: 'me@example.org', smtp: 'env:SMTP' },
        { exec: ['tell', 'us'] },
      ],
      { watch: { after: 60, heartbeat: 'env:BEAT' } },
    ),
  )
  expect(alerts).toEqual([
    {
      ...{ kind: 'webhook', url: { env: 'URL' }, secret: { file: '/inventory/secret' } },
      ...{ groups: ['site'], quiet: { from: 1320, until: 450 } },
    },
    { kind: 'ntfy', url: { env: 'URL' }, token: { env: 'TOKEN' } },
    { kind: 'chat', url: { env: 'URL' } },
    { kind: 'mail', to: 'a@example.org, b@example.org', from: 'me@example.org', smtp: { env: 'SMTP' } },
    { kind: 'exec', argv: ['tell', 'us'] },
  ])
  expect(watch).toEqual({ after: 60, heartbeat: { env: 'BEAT' } })
})

test.each([
  [{}, 'alerts[0]: names no target: add "webhook", "ntfy", "chat", "mail" or "exec"'],
  [{ chat: 'env:A', exec: ['a'] }, 'alerts[0]: names several targets: write one for each'],
  [{ chat: 'env:A', token: 'env:B' }, 'alerts[0].token: belongs to another target than "chat": remove it'],
  [
    { webhook: 'https://hooks.example.org/hunter2' },
    'alerts[0].webhook: must not be in the inventory itself: write where the URL is kept, "env:NAME" or "file:PATH"',
  ],
  [{ mail: 'nobody' }, 'alerts[0].mail: is not a mail address: write one such as "ops@example.org"'],
  [{ chat: 'env:A', groups: ['sit'] }, 'alerts[0].groups[0]: there is no such group, did you mean "site"?'],
  [
    { chat: 'env:A', quiet: '22-07' },
    'alerts[0].quiet: is not a part of a day: write when it begins and ends, such as "22:00-07:00"',
  ],
  [{ exec: [] }, 'alerts[0].exec: must not be empty: leave the key out instead'],
])('%j is refused', (alert, sentence) => {
  expect(complaint(alert)).toBe(sentence)
})
