import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { expectCard, expectedCards, pinCard } from '../src/cards.ts'
import { openPins, parseHostKey } from '../src/pins.ts'
import { newKey } from '../src/session/new-key.ts'
import { inventory } from './image/card-box.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-cards-'))
const file = join(folder, 'known_hosts')
afterAll(() => rmSync(folder, { recursive: true }))

const [former, fresh, gateway, card, next] = ['a', 'b', 'c', 'd', 'e'].map((name) => newKey(name).publicKey)
const pins = openPins({ file })
const [device] = inventory().devices
if (!device) throw new Error('no device')
const others = `# mine\ngw ${gateway}\npi.lan,alias ${former}\n@revoked pi.lan ${former}\n`
beforeEach(() => writeFileSync(file, `${others}pi.lan ${former}`))

test('the card that is waited for stands among the pins, where ssh takes it for a comment; the next takes its place', async () => {
  await expectCard(pins, { device: 'pi.lan', publicKey: card ?? '', expires: 1 })
  await expectCard(pins, { device: 'other.lan', publicKey: card ?? '', expires: 2 })
  await expectCard(pins, { device: 'pi.lan', publicKey: next ?? '', expires: 3 })
  expect(await expectedCards(pins)).toEqual([
    { device: 'other.lan', publicKey: card, expires: 2 },
    { device: 'pi.lan', publicKey: next, expires: 3 },
  ])
  expect((await pins.for(device)).keys.map(({ blob }) => blob.toString('base64'))).toEqual([
    former?.split(' ')[1],
    former?.split(' ')[1],
  ])
})

test('a device that came back has its new keys alone, and its card is waited for no more; lines of others stay', async () => {
  await expectCard(pins, { device: 'pi.lan', publicKey: card ?? '', expires: 1 })
  const key = parseHostKey(fresh ?? '')
  await pinCard(pins, device, key ? [key] : [])
  expect(readFileSync(file, 'utf8')).toBe(`${others}pi.lan ${fresh}\n`)
  expect(await expectedCards(pins)).toEqual([])
})
