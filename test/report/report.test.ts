import { describe, expect, test } from 'vitest'
import {
  exitCode,
  type ForwardReport,
  type ForwardState,
  type HostReport,
  type Outcome,
} from '../../src/report/report.ts'

const host = (outcome: Outcome): HostReport => ({
  name: 'a',
  role: 'device',
  outcome,
  seconds: 1,
  resources: [],
  changes: [],
})
const forward = (state: ForwardState): ForwardReport => ({
  device: 'a',
  gateway: 'gw',
  bindAddress: '127.0.0.1',
  port: 9022,
  state,
})

describe('the exit code', () => {
  test.each([
    [0, [], []],
    [0, ['ok'], ['ok']],
    [0, ['changed', 'ok'], ['ok', 'ok']],
    [1, ['rejected'], []],
    [1, ['undone'], []],
    [1, ['ok'], ['no-tunnel']],
    [1, ['ok'], ['stale']],
    [1, ['ok'], ['device-sshd-down']],
    [1, ['ok'], ['wrong-device']],
    [1, ['ok'], ['ok', 'unverified']],
    [3, ['unreachable'], []],
    [3, ['unknown'], []],
    [3, ['undo-failed', 'undone'], []],
    [4, ['differs'], []],
    [4, ['differs', 'ok'], ['ok']],
    // 3 wins over 1, and 1 over 4.
    [3, ['rejected', 'unreachable', 'differs'], ['stale']],
    [3, ['undone', 'unknown'], ['ok']],
    [1, ['differs', 'rejected'], ['ok']],
    [1, ['differs'], ['wrong-device']],
  ] as const)('is %i for hosts %j and forwards %j', (code, outcomes, states) => {
    expect(exitCode(outcomes.map(host), states.map(forward), false)).toBe(code)
  })

  test('of an interrupted run is 130, whatever else happened', () => {
    expect(exitCode([host('unknown'), host('ok')], [forward('stale')], true)).toBe(130)
    expect(exitCode([], [], true)).toBe(130)
  })
})
