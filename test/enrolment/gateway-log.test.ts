import { describe, expect, test } from 'vitest'
import { explainEnrolment, parseEnrolmentLog } from '../../src/enrolment/gateway-log.ts'
import { parse } from '../inventory/parse.ts'

const [gateway] = parse('{ "gateways": { "gw": {} } }').gateways
const digest = 'abcdef01'.repeat(8)
const told = (...rows: string[]) => {
  if (!gateway) throw new Error('no gateway')
  return explainEnrolment(
    gateway,
    parseEnrolmentLog(['now 1795605100', 'since 1795605000', ...rows, ''].join('\n'), 'pi.lan'),
  ).message
}
const card = `card 1795609999 ${digest}`
const said = (what: string) => `said 1795605051.123456 gw provision-enrol[7]: ${what}`
const refusedKey = (account: string) =>
  `sshd 1795605060.5 gw sshd-session[9]: Connection closed by authenticating user ${account} 192.0.2.7 port 4711 [preauth]`

describe('what a gateway tells of a card that is waited for', () => {
  test.each<[string, string[], string]>([
    ['nothing is known of it', [], 'gw expects no card for this device'],
    ['nobody came', [card], 'the card has not been used at gw yet'],
    ['its time is over', [`card 1795605000 ${digest}`], 'the card has expired, and was not used at gw'],
    [
      'it came too late',
      [`card 1795605000 ${digest}`, said('refused: expired, pi.lan, card abcdef01, from 192.0.2.7')],
      'the card had expired when it was tried at 2026-11-25T11:10:51.000Z from 192.0.2.7',
    ],
    [
      'two came with the same card',
      [
        card,
        said('enrolled, pi.lan, card abcdef01, from 192.0.2.7'),
        said('refused: used, pi.lan, card abcdef01, from 192.0.2.8'),
      ],
      'the card was used before, and was tried again at 2026-11-25T11:10:51.000Z from 192.0.2.8 with other keys',
    ],
    [
      'it has another name',
      [card, said('refused: name (it says qi.lan), pi.lan, card abcdef01, from 192.0.2.7')],
      'the card was tried at 2026-11-25T11:10:51.000Z from 192.0.2.7 under another name: refused: name (it says qi.lan)',
    ],
    [
      'it is damaged',
      [card, said('refused: signature (it says pi.lan), from 192.0.2.7')],
      'a card was tried at 2026-11-25T11:10:51.000Z from 192.0.2.7 and refused: signature',
    ],
    [
      'one of former times was damaged',
      [card, 'said 1795604999.9 gw provision-enrol[7]: refused: signature (it says pi.lan), from 192.0.2.7'],
      'the card has not been used at gw yet',
    ],
    [
      'a key was refused',
      [card, refusedKey('enrol-tunnel')],
      'gw refused the key of a card once, last at 2026-11-25T11:11:00.000Z from 192.0.2.7',
    ],
    [
      'it was used, and no tunnel came',
      [card, `record 1795605051 ${digest} AAAA BBBB`, said('enrolled, pi.lan, card abcdef01, from 192.0.2.7')],
      'the card was used at 2026-11-25T11:10:51.000Z from 192.0.2.7, but no tunnel has come up since',
    ],
    [
      'two came with the same card, and the log has forgotten it',
      [card, `record 1795605051 ${digest} AAAA BBBB`, 'other 1795605051 192.0.2.8'],
      'the card was used before, and was tried again at 2026-11-25T11:10:51.000Z from 192.0.2.8 with other keys',
    ],
    [
      'it was used, and its time is over since',
      [`card 1795605000 ${digest}`, `record 1795604000 ${digest} AAAA BBBB`],
      'the card was used, but no tunnel has come up since',
    ],
    [
      'it is to come again',
      [card, said('later: busy, pi.lan, card abcdef01, from 192.0.2.7')],
      'the card was tried at 2026-11-25T11:10:51.000Z from 192.0.2.7: later: busy',
    ],
    [
      'another card was used',
      [card, said('refused: used, pi.lan, card 99999999, from 192.0.2.7')],
      'the card has not been used at gw yet',
    ],
    [
      'another device came',
      [card, said('refused: used, qi.lan, card abcdef01, from 192.0.2.7')],
      'the card has not been used at gw yet',
    ],
    [
      'the log has times that no calendar has',
      [card, `said ${'9'.repeat(20)}.1 gw provision-enrol[7]: refused: used, pi.lan, card abcdef01, from 192.0.2.7`],
      'the card has not been used at gw yet',
    ],
  ])('%s', (_, rows, sentence) => {
    expect(told(...rows)).toBe(sentence)
  })
})
