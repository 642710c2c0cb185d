import { describe, expect, test } from 'vitest'
import { enrolmentsOn } from '../../playbooks/reverse-tunnel/enrolment.ts'
import type { Enrolment, Inventory } from '../../src/inventory/model.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {}, old: { listener: 'sshd' } },
    devices: {
      pi: { forwards: [{ gateway: 'gw', port: 9022, host: 'localhost', hostPort: 22 }] },
      qi: {
        forwards: ['gw', 'old'].map((gateway) => ({ gateway, port: 9023, host: 'localhost', hostPort: 22 })),
      },
    },
  }),
)
const card = (device: string, more: Partial<Enrolment> = {}): Enrolment => ({
  device,
  publicKey: `ssh-ed25519 AAAAcard-of-${device}`,
  tokenDigest: `digest-of-${device}`,
  expires: 1_800_000_000,
  ...more,
})
const seen = (gone: readonly string[] = []): Seen => ({
  of: () => undefined,
  gone: (host) => gone.includes(host),
  failed: () => false,
})
function diff(
  now: string,
  { on = 'gw', cards = [], gone = [] }: { on?: string; cards?: Enrolment[]; gone?: string[] } = {},
) {
  const gateway = inventory.gateways.find(({ name }) => name === on)
  if (!gateway) throw new Error('no gateway')
  const wanted: Inventory = { ...inventory, ...(cards.length > 0 && { enrol: cards }) }
  const verdict = enrolmentsOn(gateway, wanted).diff(now, seen(gone))
  if (typeof verdict === 'string' || 'refused' in verdict) return verdict
  return { ...verdict, rows: verdict.text?.wanted.split('\n').filter(Boolean) ?? [] }
}
const change = (...words: Parameters<typeof diff>) => {
  const verdict = diff(...words)
  if (typeof verdict === 'string' || 'refused' in verdict) throw new Error(JSON.stringify(verdict))
  return verdict
}
const [row = ''] = change('absent\n', { cards: [card('pi')] }).rows
const file = (...rows: string[]) => ['file 644 root root', ...rows, ''].join('\n')

describe('the cards that a gateway waits for', () => {
  test('one line is sshd’s, and behind it stands what the program needs', () => {
    expect(row).toBe(
      'restrict,command="/etc/ssh/reverse-tunnel/enrol",expiry-time="20270116100000" ssh-ed25519 AAAAcard-of-pi pi 1800000000 digest-of-pi /etc/ssh/reverse-tunnel/keys/tunnel-pi-13zjdc3 restrict,port-forwarding provision - pi'.replace(
        /tunnel-pi-\w+/,
        /tunnel-pi-\w+/.exec(row)?.[0] ?? '',
      ),
    )
    expect(change('absent\n', { on: 'old', cards: [card('qi')] }).rows[0]).toMatch(
      / \/etc\/ssh\/reverse-tunnel\/authorized_keys restrict,port-forwarding,permitlisten="127\.0\.0\.1:9023" provision - qi$/,
    )
  })

  test('none, where none ever was, or the card is for another gateway', () => {
    expect(diff('absent\n')).toBe('converged')
    expect(diff('absent\n', { on: 'old', cards: [card('pi')] })).toBe('converged')
  })

  test('stay as long as their device has not come back', () => {
    expect(diff(file(row), { gone: ['pi'] })).toBe('converged')
    // It is there, but by its old card.
    expect(diff(file(row))).toBe('converged')
    expect(diff(`@enrolled pi another-digest\n${file(row)}`)).toBe('converged')
    // It has come back, and could not be reached in this run.
    expect(diff(`@enrolled pi digest-of-pi\n${file(row)}`, { gone: ['pi'] })).toBe('converged')
    // Its time may be over by then: what it has handed in is needed.
    expect(diff(`@over pi\n@enrolled pi digest-of-pi\n${file(row)}`, { gone: ['pi'] })).toBe('converged')
  })

  test('what the first one has made in /run goes with an undo; the second one has made none', () => {
    expect(change('absent\n', { cards: [card('pi')] }).undo?.text).toBe('rm -rf /run/provision-enrol')
    expect(change(file(row), { cards: [card('qi')] }).undo).toBeUndefined()
  })

  test('a second card comes beside the first one; one of the same device takes its place', () => {
    expect(change(file(row), { cards: [card('qi')] }).rows).toEqual([row, expect.stringContaining('AAAAcard-of-qi')])
    const again = change(`@enrolled pi digest-of-pi\n${file(row)}`, { cards: [card('pi', { tokenDigest: 'new' })] })
    expect(again.rows).toEqual([expect.stringContaining(' new ')])
    expect(again.commit.text).toContain('rm -f /etc/ssh/reverse-tunnel/enrolled/pi')
    expect(again.saves).toContain('/etc/ssh/reverse-tunnel/enrolled/pi')
  })

  test.each([
    [
      'its device was reached after it had come back',
      `@enrolled pi digest-of-pi\n@account enrol-tunnel:990:/nonexistent:/bin/sh:\n${file(row)}`,
    ],
    ['its time is over', `@over pi\n@account enrol-tunnel:990:/nonexistent:/bin/sh:\n${file(row)}`],
    [
      'its time is over, and its device is of another inventory',
      `@over gone\n@account enrol-tunnel:990:/nonexistent:/bin/sh:\n${file(row.replace(' pi ', ' gone '))}`,
    ],
  ])('is removed when %s, and the enrolment service goes with the last one', (_, now) => {
    const { summary, commit, saves, undo } = change(now)
    expect(summary).toMatch(/^remove the enrolment of (pi|gone); no enrolment is left/)
    expect(commit.text).toContain('/etc/ssh/sshd_config.d/00-reverse-tunnel-enrol.conf')
    expect(commit.text).toContain('userdel --force enrol-tunnel')
    expect(undo?.text).toContain('--uid 990 enrol-tunnel')
    for (const path of commit.text.match(/\/etc\/\S+/g) ?? []) expect(saves).toContain(path)
  })

  test('a card of another inventory is left alone until its time is over', () => {
    const others = `@account enrol-tunnel:990:/nonexistent:/bin/sh:\n${file(row.replace(' pi ', ' gone '))}`
    expect(diff(others)).toBe('converged')
  })

  test('the enrolment service stays while another card is waited for', () => {
    const other = change('absent\n', { cards: [card('qi')] }).rows[0] ?? ''
    const { summary, commit, rows } = change(
      `@over pi\n@account enrol-tunnel:990:/nonexistent:/bin/sh:\n${file(row, other)}`,
    )
    expect({ summary, rows }).toEqual({ summary: 'remove the enrolment of pi', rows: [other] })
    expect(commit.text).not.toContain('userdel')
  })
})
