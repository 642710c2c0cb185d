import { describe, expect, test } from 'vitest'
import { adoptedPlaces, parseListening, portsAreFree } from '../../playbooks/reverse-tunnel/ports.ts'
import type { Seen } from '../../src/resources/resource.ts'
import { parse } from '../inventory/parse.ts'
import { complaints } from '../resources/golden.ts'

const written = (forward: string, more: object = {}) =>
  parse(JSON.stringify({ id: 'k7w2m9qd', gateways: { gw: more }, devices: { pi: { forwards: [forward] }, qi: {} } }))
const inventory = written('127.0.0.1:9022:localhost:22')
const [gw] = inventory.gateways
if (!gw) throw new Error('nobody')

const listens = (where: string, program: string, pid: number, user: string) =>
  `LISTEN 0 128 ${where} 0.0.0.0:* users:(("${program}",pid=${pid},fd=7))\n` +
  `@process ${String(pid).padStart(6)} ${user.padEnd(40)} Mon Nov 30 05:21:09 2026 ${program}\n`
const socket = (port: number, device: string, mark = 'k7w2m9qd') =>
  `reverse-tunnel-127.0.0.1_${port}.socket:# provision ${mark} ${device}\n` +
  `reverse-tunnel-127.0.0.1_${port}.socket:Description=127.0.0.1:${port} of ${device}\n`
const keyLine = (place: string, device: string) =>
  `restrict,port-forwarding,permitlisten="${place}" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIx provision k7w2m9qd ${device}\n`
const seen = ({ held = '', via = 'forward', ports = '' } = {}): Seen => ({
  of: (_, id) => ({ 'held forwards': held, ports })[id],
  gone: () => false,
  failed: () => false,
  via: () => via,
})
const refusal = (now: string, told: Seen = seen(), of = inventory) => {
  const verdict = portsAreFree(gw, of).diff(now, told)
  return typeof verdict === 'object' && 'refused' in verdict ? verdict : verdict
}

test('a free port, and one that our own forward holds, is no reason to refuse', () => {
  expect(refusal('')).toBe('converged')
  expect(refusal(listens('127.0.0.1:9022', 'systemd', 1, 'root'), seen({ held: socket(9022, 'pi') }))).toBe('converged')
  const bySshd = written('127.0.0.1:9022:localhost:22', { listener: 'sshd' })
  const own = listens('127.0.0.1:9022', 'sshd-session', 77, 'tunnel')
  expect(refusal(own, seen({ held: keyLine('127.0.0.1:9022', 'pi') }), bySshd)).toBe('converged')
})

describe('what stands in the way is named, and nothing is ended', () => {
  test.each([
    ['the sshd of the gateway', '127.0.0.1:9022', 'sshd', 30, 'root', 'which is the sshd of gw itself'],
    ['on every address', '0.0.0.0:9022', 'docker-proxy', 31, 'root', 'docker-proxy (process 31 of root'],
    ['of both kinds', '*:9022', 'node', 32, 'web', 'node (process 32 of web'],
    ['a socket of systemd that is not ours', '127.0.0.1:9022', 'systemd', 1, 'root', 'systemd (process 1 of root'],
    [
      'a session by hand',
      '127.0.0.1:9022',
      'sshd-session',
      78,
      'bob',
      'process 78 of bob, since Mon Nov 30 05:21:09 2026',
    ],
  ] as const)('%s', (_, where, program, pid, user, says) => {
    expect(refusal(listens(where, program, pid, user))).toMatchObject({ refused: expect.stringContaining(says) })
  })

  test('only a session by hand may be taken over, and only on purpose', () => {
    const byHand = listens('127.0.0.1:9022', 'sshd-session', 78, 'bob')
    expect(refusal(byHand)).toMatchObject({ hint: expect.stringContaining('--adopt 127.0.0.1:9022') })
    const adopting = { ...inventory, adopt: ['127.0.0.1:9022'] }
    expect(refusal(byHand, seen(), adopting)).toBe('converged')
    expect(adoptedPlaces(gw, adopting, seen({ ports: byHand })).map(({ port }) => port)).toEqual([9022])
    const daemon = listens('127.0.0.1:9022', 'sshd', 30, 'root')
    expect(refusal(daemon, seen(), adopting)).toMatchObject({ refused: expect.stringContaining('sshd of gw itself') })
    expect(refusal(daemon)).toMatchObject({ hint: expect.not.stringContaining('--adopt') })
  })

  test('the same port on another loopback address is nobody’s business', () => {
    expect(refusal(listens('127.0.0.2:9022', 'sshd-session', 78, 'bob'))).toBe('converged')
  })
})

describe('a forward of another device', () => {
  test('of another inventory is refused, with its name', () => {
    expect(refusal('', seen({ held: socket(9022, 'ri', 'zzzz9999') }))).toMatchObject({
      refused: '127.0.0.1:9022, wanted for pi, is open for ri, a device of another inventory (zzzz9999)',
      hint: 'choose another port for pi',
    })
  })

  test('that this inventory made and no longer names goes by --prune', () => {
    const held = socket(9022, 'ri')
    expect(refusal('', seen({ held }))).toMatchObject({ hint: expect.stringContaining('--prune') })
    expect(refusal('', seen({ held }), { ...inventory, prune: true })).toBe('converged')
  })

  test('of this inventory moves aside, unless both are reached beside their forwards', () => {
    const held = socket(9022, 'qi')
    expect(refusal('', seen({ held }))).toMatchObject({
      hint: expect.stringContaining('--step-aside qi --step-aside pi'),
    })
    expect(refusal('', seen({ held, via: 'direct' }))).toBe('converged')
  })

  test('of several devices is one command for all of them', () => {
    const two = parse(
      JSON.stringify({
        gateways: { gw: { listener: 'sshd' } },
        devices: {
          pi: { forwards: ['127.0.0.1:9022:localhost:22'] },
          qi: { forwards: ['127.0.0.1:9023:localhost:22'] },
        },
      }),
    )
    const held = socket(9022, 'pi') + socket(9023, 'qi')
    expect(refusal('', seen({ held }), two)).toMatchObject({
      hint: `move in two steps, through another port, with: \`provision ${two.file} --step-aside pi --step-aside qi\``,
    })
  })

  test('of the device itself that cannot stand beside the new one is kept where it is the only way', () => {
    const held = keyLine('127.0.0.1:9022', 'pi')
    expect(refusal('', seen({ held }))).toMatchObject({
      refused: expect.stringContaining('that forward is the only route from here to pi'),
      hint: expect.stringContaining(`provision ${inventory.file} --step-aside pi`),
    })
    expect(refusal('', seen({ held, via: 'direct' }))).toBe('converged')
  })
})

test('a listener of whom nothing is known is an unknown program', () => {
  expect(parseListening('LISTEN 0 128 127.0.0.1:9022 0.0.0.0:*\n')).toEqual([
    { bindAddress: '127.0.0.1', port: 9022, pid: 0, program: 'an unknown program', user: '?', since: '?' },
  ])
})

test('what is asked is shell that dash and shellcheck have nothing against', () => {
  expect(complaints([portsAreFree(gw, inventory).inspect])).toBe('')
})
