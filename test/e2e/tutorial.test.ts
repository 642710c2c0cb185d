import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build } from '../dist.ts'
import { readPage } from './docs/page.ts'
import { walk } from './docs/walk.ts'
import { type Rehearsal, rehearse } from './kit.ts'

/** What the reader of docs/tutorial.md has before the first step. */
let it: Rehearsal
beforeAll(async () => {
  await build()
  it = await rehearse({
    login: { user: 'admin' },
    gateways: { 'vps.example.net': { dial: { address: '203.0.113.5' } } },
    devices: { 'pi.home': {} },
  })
  await rm(it.file)
})
afterAll(() => it?.down())

test('docs/tutorial.md, from top to bottom', async () => {
  expect((await walk(it, await readPage('tutorial.md'))).join('\n\n')).toBe('')
}, 900_000)
