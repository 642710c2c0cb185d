import { describe, expect, test } from 'vitest'
import { deriveTiming, recovery, type Timing } from '../src/recovery.ts'

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

  test('what cannot be met says why, and what is the least', () => {
    expect(deriveTiming('socket', '0', 3)).toEqual({
      impossible: '"recoverWithin": 3 cannot be met, 9 s is the least: keepalives every second are the limit',
    })
    expect(deriveTiming('sshd', '9.2', 8)).toEqual({
      impossible:
        '"recoverWithin": 8 cannot be met, 15 s is the least: OpenSSH 9.2 on the gateway holds a dead session\'s port for twice the usual time; "listener": "socket" is faster',
    })
  })
})
