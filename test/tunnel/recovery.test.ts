import { describe, expect, test } from 'vitest'
import { deriveTiming, linkClasses, overLink, quickMs, recovery, type Timing } from '../../src/tunnel/recovery.ts'

const usual: Timing = { interval: 5, countMax: 2, connectTimeout: 5, retry: 2 }
const timing = (...words: Parameters<typeof deriveTiming>) => {
  const derived = deriveTiming(...words)
  if ('impossible' in derived) throw new Error(derived.impossible)
  return derived.timing
}
const worst = (...[listener, sshd, wish]: Parameters<typeof deriveTiming>) => {
  const { powerCut, silentLink } = recovery(timing(listener, sshd, wish), listener, sshd)
  return Math.max(powerCut, silentLink)
}

describe('what is promised', () => {
  test('a socket is free for the next session at once', () => {
    expect(recovery(usual, 'socket', '9.2')).toEqual({ powerCut: 10, silentLink: 20, frozenClient: 15 })
  })

  test('sshd holds the port of a dead session until it gives it up, up to 9.4 twice as long', () => {
    expect(recovery(usual, 'sshd', '10.0')).toEqual({ powerCut: 20, silentLink: 25, frozenClient: 15 })
    expect(recovery(usual, 'sshd', '9.5').powerCut).toBe(20)
    for (const old of ['8.4', '9.2', '9.4']) expect(recovery(usual, 'sshd', old).powerCut).toBe(35)
  })
})

describe('what is wished', () => {
  test.each([9, 10, 15, 20, 30, 60, 120, 600])('within %i s is met, and as sparingly as it can be', (wish) => {
    expect(worst('socket', '0', wish)).toBeLessThanOrEqual(wish)
    if (wish < 12) return
    for (const [listener, sshd] of [
      ['socket', '0'],
      ['sshd', '10.0'],
    ] as const) {
      expect(worst(listener, sshd, wish)).toBeLessThanOrEqual(wish)
      if (wish >= 20 && wish <= 120) expect(worst(listener, sshd, wish)).toBeGreaterThan(wish * 0.6)
    }
  })

  test('an older sshd is asked more often for the same promise', () => {
    expect(timing('sshd', '9.2', 60).interval).toBeLessThan(timing('sshd', '10.0', 60).interval)
  })

  test('what cannot be met says why, and what is the minimum', () => {
    expect(deriveTiming('socket', '0', 3)).toEqual({
      impossible: '"recoverWithin": 3 cannot be met, 9 s is the minimum: keepalives every second are the limit',
    })
    expect(deriveTiming('sshd', '9.2', 8)).toEqual({
      impossible:
        '"recoverWithin": 8 cannot be met, 15 s is the minimum: OpenSSH 9.2 on the gateway holds a dead session\'s port for twice the usual time; "listener": "socket" is faster',
    })
  })
})

describe('what the link adds', () => {
  const socket = recovery(usual, 'socket', '10.0')
  const sshd = recovery(usual, 'sshd', '10.0')
  const seconds = ({ powerCut, silentLink, frozenClient }: ReturnType<typeof recovery>) => [
    powerCut,
    silentLink,
    frozenClient,
  ]

  test('nothing, where it is quick or nobody knows it; the promise tells which', () => {
    expect(overLink(socket, 'socket', { roundTripMs: undefined })).toEqual(socket)
    expect(overLink(socket, 'socket', { roundTripMs: quickMs })).toEqual({
      ...socket,
      roundTripMs: quickMs,
      linkSeconds: 0,
    })
  })

  test('a dial and a proof; a dial in vain besides, where a dead session holds the port', () => {
    // 14 round trips of 690 ms are 9.7 s, 24 are 16.6 s.
    const slow = overLink(socket, 'socket', { roundTripMs: 690 })
    expect(slow).toEqual({ powerCut: 20, silentLink: 30, frozenClient: 25, roundTripMs: 690, linkSeconds: 10 })
    expect(seconds(overLink(sshd, 'sshd', { roundTripMs: 690 }))).toEqual([37, 42, 25])
  })

  test('whole seconds, more for every slower class, and never less than its dial takes', () => {
    for (const listener of ['socket', 'sshd'] as const) {
      let before = recovery(usual, listener, '10.0')
      for (const roundTripMs of linkClasses) {
        const promise = overLink(recovery(usual, listener, '10.0'), listener, { roundTripMs })
        expect(seconds(promise).every(Number.isInteger)).toBe(true)
        expect(seconds(promise).every((figure, at) => figure >= (seconds(before)[at] ?? 0))).toBe(true)
        if (roundTripMs > quickMs) expect(promise.linkSeconds).toBeGreaterThanOrEqual((10 * roundTripMs) / 1000)
        before = promise
      }
    }
  })

  test('a wish that is met on a quick link and not on this one is told, with what is missing', () => {
    const slow = { roundTripMs: 690 }
    expect(overLink(socket, 'socket', { ...slow, recoverWithin: 25 }).wished).toBe(25)
    expect(overLink(socket, 'socket', { ...slow, recoverWithin: 30 }).wished).toBeUndefined()
    expect(overLink(socket, 'socket', { roundTripMs: quickMs, recoverWithin: 5 }).wished).toBeUndefined()
  })
})
