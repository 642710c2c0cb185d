import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readInventory } from '../../../src/inventory/read/inventory.ts'
import { mayMail } from '../../../src/watch/service/may-run.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-may-run-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function mailsOf(alerts: string) {
  const file = join(folder, 'inventory.json')
  await writeFile(file, `{ "id": "k7w2m9qd", "gateways": { "gw": {} },\n  "alerts": [\n${alerts}\n] }\n`)
  return { file, refusal: await mayMail(await readInventory(file)).catch((error: unknown) => error) }
}

test('mail by the program sendmail is refused where it is written, and what works instead is said', async () => {
  const { file, refusal } = await mailsOf(
    '    { "exec": ["/bin/true"] },\n    { "mail": "a@example.org" },\n{ "mail": "b@example.org" }',
  )
  const sentence = 'the program sendmail does not work in the service: add "smtp": "env:SMTP_URL"'
  expect(refusal).toMatchObject({
    name: 'InventoryError',
    message: `${file}:4:15 alerts[1].mail: ${sentence}\n${file}:5:11 alerts[2].mail: ${sentence}`,
    hint: expect.stringContaining('/etc/provision-watch/k7w2m9qd/environment'),
  })
})

test('mail by a server is not', async () => {
  const { refusal } = await mailsOf('{ "mail": "a@example.org", "smtp": "env:SMTP_URL" }')
  expect(refusal).toBeUndefined()
})
