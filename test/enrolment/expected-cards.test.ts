import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import {
  expectCard,
  expectedCards,
  forgetCard,
  parseEnrolmentRequest,
  pinCard,
} from '../../src/enrolment/expected-cards.ts'
import { newKey } from '../../src/ssh/host-keys/new-key.ts'
import { openPins, parseHostKey } from '../../src/ssh/host-keys/pins.ts'
import { inventory } from '../image/card-box.ts'

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

test('a card can be forgotten, and nothing else is', async () => {
  await expectCard(pins, { device: 'pi.lan', publicKey: card ?? '', expires: 1 })
  await expectCard(pins, { device: 'other.lan', publicKey: card ?? '', expires: 2 })
  await forgetCard(pins, 'pi.lan')
  expect((await expectedCards(pins)).map(({ device }) => device)).toEqual(['other.lan'])
  expect(readFileSync(file, 'utf8')).toContain(`${others}pi.lan ${former}\n`)
})

describe('what a gateway shows as handed in', () => {
  const { privateKey, publicKey } = newKey('card')
  const expected = { device: 'pi.lan', publicKey, expires: 1 }
  const signed = (message: string) => {
    writeFileSync(join(folder, 'key'), privateKey, { mode: 0o600 })
    const argv = ['-q', '-Y', 'sign', '-f', join(folder, 'key'), '-n', 'provision-enrolment']
    const signature = execFileSync('ssh-keygen', argv, { input: message, stdio: ['pipe', 'pipe', 'ignore'] })
    return [message, signature].map((part) => Buffer.from(part).toString('base64')).join(' ')
  }
  const message = `provision enrolment 1\nname pi.lan\ntoken 00\nkey ${fresh}\nhost-key ${fresh}\n`

  test('counts with a time and the signature of the card', () => {
    expect(parseEnrolmentRequest(`1795605051 digest ${signed(message)}`, expected)).toMatchObject({
      at: new Date('2026-11-25T11:10:51.000Z'),
      hostKeys: [parseHostKey(fresh ?? '')],
    })
  })

  test.each([
    ['a time that is none', `soon digest ${signed(message)}`],
    ['a time that no calendar has', `${'9'.repeat(20)} digest ${signed(message)}`],
    ['another name', `1795605051 digest ${signed(message.replace('pi.lan', 'qi.lan'))}`],
    ['no host key', `1795605051 digest ${signed(message.replace('host-key', 'host-kex'))}`],
    [
      'another message',
      `1795605051 digest ${Buffer.from(`${message}x`).toString('base64')} ${signed(message).split(' ')[1]}`,
    ],
    ['no signature', `1795605051 digest ${Buffer.from(message).toString('base64')}`],
    ['nothing', ''],
  ])('does not count with %s', (_, record) => {
    expect(parseEnrolmentRequest(record, expected)).toBeUndefined()
  })

  test('does not count for another card of the same device', () => {
    expect(
      parseEnrolmentRequest(`1795605051 digest ${signed(message)}`, { ...expected, publicKey: card ?? '' }),
    ).toBeUndefined()
  })
})
