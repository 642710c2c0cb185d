import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectedCards, parseEnrolmentRequest } from '../../src/enrolment/expected-cards.ts'
import { parseEnrolmentLog } from '../../src/enrolment/gateway-log.ts'
import { type CardBox, cardBox } from '../image/card-box.ts'

/** What the gateway says to a request, with something in it that is not as the card has it. */
interface Odd {
  readonly lines?: (lines: string[]) => string[]
  readonly namespace?: string
  readonly signedBy?: string
  readonly request?: (message: string, signature: string) => string
}

let box: CardBox
let card: ReturnType<CardBox['card']>
beforeEach(() => {
  box = cardBox()
  card = box.card()
  newKey('tunnel')
  newKey('host')
  newKey('stranger')
  box.write('card', card.secrets.privateKey, 0o600)
})
afterEach(() => box.end())

const newKey = (name: string) =>
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(box.root, name)])
const publicOf = (name: string) =>
  readFileSync(join(box.root, `${name}.pub`), 'utf8')
    .split(' ', 2)
    .join(' ')
const keyFile = () => box.read('gateway/etc/keys/tunnel-pi')
const ticket = 'ab'.repeat(16)

function say(
  { lines = (all) => all, namespace = 'provision-enrolment', signedBy = 'card', request }: Odd = {},
  shell: readonly string[] = ['dash'],
) {
  const all = ['provision enrolment 1', 'name pi.lan', `token ${card.secrets.token}`, `key ${publicOf('tunnel')}`]
  const message = `${lines([...all, `host-key ${publicOf('host')}`]).join('\n')}\n`
  writeFileSync(join(box.root, 'message'), message)
  const sign = ['-q', '-Y', 'sign', '-f', join(box.root, signedBy), '-n', namespace]
  const signature = execFileSync('ssh-keygen', sign, { input: message, stdio: ['pipe', 'pipe', 'ignore'] }).toString()
  const [text, armour] = [message, signature].map((part) => Buffer.from(part).toString('base64')) as [string, string]
  return hand(request ? request(text, armour) : `${text} ${armour}`, shell)
}

/** As it comes out of the pipe. */
function hand(request: string, [command = '', ...words]: readonly string[] = ['dash']) {
  box.write('gateway/request', `${ticket} 192.0.2.7 ${request}\n`)
  const script = `exec 3<${box.root}/gateway/request; exec "$@"`
  const argv = ['-c', script, 'sh', command, ...words, `${box.root}/gateway/enrol`, 'settle']
  const { stderr } = spawnSync('sh', argv, { timeout: 20_000 })
  return { answer: box.read(`gateway/run/answers/${ticket}`)?.trim(), log: stderr.toString() }
}

describe.each([['dash'], ['busybox', 'sh']])('run by %s', (...shell) => {
  test('a request that is the card’s own is written down, and its key let in', () => {
    const { answer, log } = say({}, shell)
    expect({ answer, log }).toEqual({
      answer: 'enrolled',
      log: `enrolled, pi.lan, card ${card.enrolment.tokenDigest.slice(0, 8)}, from 192.0.2.7\n`,
    })
    expect(keyFile()).toBe(`restrict,port-forwarding ${publicOf('tunnel')} provision k7w2m9qd pi.lan\n`)
    expect(parseEnrolmentRequest(box.read('gateway/etc/enrolled/pi.lan') ?? '', card.enrolment)?.hostKeys).toHaveLength(
      1,
    )
    expect(say({}, shell).answer).toBe('enrolled')
  })

  test.each<[string, Odd, string]>([
    ['another device’s name', { lines: (all) => all.with(1, 'name other.lan') }, 'refused: name'],
    ['another token', { lines: (all) => all.with(2, `token ${'0'.repeat(32)}`) }, 'refused: token'],
    ['another key’s signature', { signedBy: 'stranger' }, 'refused: signature'],
    ['a signature for another purpose', { namespace: 'git' }, 'refused: signature'],
    [
      'another message than the signed one',
      { request: (_, armour) => `${Buffer.from('provision enrolment 1\nname pi.lan\n').toString('base64')} ${armour}` },
      'refused: malformed',
    ],
    [
      'a message that was changed',
      {
        request: (text, armour) =>
          `${Buffer.from(Buffer.from(text, 'base64').toString().replace('pi.lan', 'qi.lan')).toString('base64')} ${armour}`,
      },
      'refused: signature',
    ],
    ['no signature', { request: (text) => text }, 'refused: malformed'],
    ['words behind it', { request: (text, armour) => `${text} ${armour} more` }, 'refused: malformed'],
    ['an unknown line', { lines: (all) => [...all, 'options permitopen'] }, 'refused: malformed'],
    ['a second key', { lines: (all) => [...all, `key ${publicOf('stranger')}`] }, 'refused: malformed'],
    ['a key with options', { lines: (all) => all.with(3, `key ${publicOf('tunnel')} x`) }, 'refused: malformed'],
    ['a key that is none', { lines: (all) => all.with(3, 'key ssh-ed25519 AAAA') }, 'refused: malformed'],
    ['a name that is a path', { lines: (all) => all.with(1, 'name ../pi.lan') }, 'refused: malformed'],
    ['no host key', { lines: (all) => all.slice(0, 4) }, 'refused: malformed'],
    ['shell in its token', { lines: (all) => all.with(2, 'token $(touch x)') }, 'refused: malformed'],
  ])('a request with %s is refused, and nothing is written', (_, odd, answer) => {
    expect(say(odd, shell).answer).toBe(answer)
    expect({ keys: keyFile(), enrolled: box.list('gateway/etc/enrolled') }).toEqual({ keys: undefined, enrolled: [] })
    expect(say({}, shell).answer).toBe('enrolled')
  })
})

test('a card is used once: other keys are refused, and whose they were makes no difference', () => {
  expect(say().answer).toBe('enrolled')
  const before = keyFile()
  expect(say({ lines: (all) => all.with(3, `key ${publicOf('stranger')}`) }).answer).toBe('refused: used')
  expect(say({ lines: (all) => all.with(4, `host-key ${publicOf('stranger')}`) }).answer).toBe('refused: used')
  expect(keyFile()).toBe(before)
})

test('that another one has tried is kept beside what was handed in, the first time alone, and changes nothing else', () => {
  const record = () => box.read('gateway/etc/enrolled/pi.lan')
  say()
  const before = record() ?? ''
  say()
  expect(record()).toBe(before)
  say({ lines: (all) => all.with(3, `key ${publicOf('stranger')}`) })
  const marked = record() ?? ''
  expect(marked.startsWith(before)).toBe(true)
  expect(marked.slice(before.length)).toMatch(/^\d{10} 192\.0\.2\.7\n$/)
  say({ lines: (all) => all.with(3, `key ${publicOf('host')}`) })
  expect(record()).toBe(marked)
  expect(say().answer).toBe('enrolled')
  expect(record()).toBe(marked)
  const knocks = parseEnrolmentLog(`now 1\n${marked.replace(/^/, 'record ').replace(/\n(?=.)/, '\nother ')}`, 'pi.lan')
  expect(parseEnrolmentRequest(knocks.record, card.enrolment)?.hostKeys).toHaveLength(1)
  expect(knocks.other?.from).toBe('192.0.2.7')
})

test('the next card of the same device takes the place of the one before', () => {
  say()
  const former = card
  card = box.card()
  box.write('card', card.secrets.privateKey, 0o600)
  newKey('again')
  expect(say({ lines: (all) => all.with(3, `key ${publicOf('again')}`) }).answer).toBe('enrolled')
  expect(keyFile()).toBe(`restrict,port-forwarding ${publicOf('again')} provision k7w2m9qd pi.lan\n`)
  box.write('card', former.secrets.privateKey, 0o600)
  card = former
  expect(say().answer).toBe('refused: signature')
})

test('a card whose time is over is refused, also one that was used', () => {
  say()
  box.write('gateway/etc/enrolments', `${card.row.replace(String(card.enrolment.expires), '1700000000')}\n`)
  expect(say().answer).toBe('refused: expired')
})

test('key lines of other devices in the same file stay', () => {
  box.write(
    'gateway/etc/keys/tunnel-pi',
    `restrict ssh-ed25519 AAAAother other.lan\nrestrict ssh-ed25519 AAAAold pi.lan\n`,
  )
  say()
  expect(keyFile()).toBe(
    `restrict ssh-ed25519 AAAAother other.lan\nrestrict,port-forwarding ${publicOf('tunnel')} provision k7w2m9qd pi.lan\n`,
  )
})

test('while a change by provision is under way, the device is told to come again', () => {
  mkdirSync(join(box.root, 'gateway/lib/current'), { recursive: true })
  expect(say().answer).toBe('later: busy')
  expect(keyFile()).toBeUndefined()
})

test('a key line that was lost is written again for the same request', () => {
  say()
  execFileSync('rm', [join(box.root, 'gateway/etc/keys/tunnel-pi')])
  expect(say().answer).toBe('enrolled')
  expect(keyFile()).toContain(publicOf('tunnel'))
})

test('what is no request at all gets no answer, and harms none that follow', () => {
  for (const noise of ['', '\0\0\0', '$(touch /tmp/x) `id`', '-n', 'a'.repeat(5000)]) hand(noise)
  expect(say().answer).toBe('enrolled')
})

test('the program is shell that dash, busybox and shellcheck have nothing against', () => {
  const path = join(import.meta.dirname, '../../playbooks/reverse-tunnel/enrol.sh')
  for (const [command = '', ...words] of [
    ['dash', '-n'],
    ['busybox', 'sh', '-n'],
    ['shellcheck', '-s', 'sh'],
  ]) {
    const { stdout, stderr } = spawnSync(command, [...words, path])
    expect(`${stdout}${stderr}`).toBe('')
  }
})

test('no card is expected where there is no file of pins', async () => {
  expect(await expectedCards({ file: join(box.root, 'known_hosts') })).toEqual([])
})
