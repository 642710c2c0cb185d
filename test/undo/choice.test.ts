import { expect, test } from 'vitest'
import type { Device, Gateway, Inventory } from '../../src/inventory/model.ts'
import type { Outcome } from '../../src/report/report.ts'
import type { Member } from '../../src/run/fleet.ts'
import { choose, failedRouteTo, objection } from '../../src/undo/choice.ts'
import type { PastRun } from '../../src/undo/script.ts'

const member = (name: string, outcome?: Outcome): Member => ({
  host: { name } as Device,
  resources: [],
  shown: new Map(),
  changes: [],
  began: 0,
  ...(outcome && { end: { outcome, at: 0 } }),
})
const past = (run: string, more: Partial<PastRun> = {}): PastRun => ({
  run,
  ids: [`${run}-0`],
  who: 'root on admin',
  changes: [],
  moved: [],
  ...more,
})
const [june, july] = ['20260601000000-aaaaaa', '20260701000000-bbbbbb']
const [a, b, away] = [member('a'), member('b'), member('away', 'unreachable')]

test('the newest run is taken back, on all hosts that it is the last one of', () => {
  const pasts = new Map([
    [a, past(june)],
    [b, past(july)],
  ])
  expect(choose([a, b], pasts, undefined)).toEqual({ run: july })
  expect(choose([a], new Map([[a, past(june)]]), undefined)).toEqual({ run: june })
})

test('a run that is named is taken back, though another host has a newer one', () => {
  const pasts = new Map([
    [a, past(june)],
    [b, past(july)],
  ])
  expect(choose([a, b, away], pasts, june)).toEqual({ run: june })
  expect(choose([a, b], pasts, 'june')).toEqual({
    none: {
      message: 'june is not the last run here',
      hint: `the last one is ${july}: undo goes back one run at a time`,
    },
  })
  expect(choose([a], new Map(), june).none?.hint).toBe('see --check')
})

test('a host that did not answer may hold a newer run: nothing is taken back, unless the run is named', () => {
  expect(choose([a, away], new Map([[a, past(june)]]), undefined)).toEqual({
    none: {
      message: `away did not answer, and may hold a newer run than ${june}`,
      hint: `to undo ${june} all the same: --run ${june}`,
    },
  })
})

test('where no run is kept there is nothing to undo', () => {
  expect(choose([a, b], new Map(), undefined).none?.message).toBe(
    'there is nothing to undo: no confirmed run is kept here',
  )
})

test('what moved, and what is gone, is not taken back', () => {
  expect(objection(past(june))).toBeUndefined()
  expect(objection(past(june, { moved: ['file /etc/a', 'file /etc/b'] }))?.message).toBe(
    'changed since that run: file /etc/a, file /etc/b',
  )
  expect(objection(past(june, { gone: 'it is gone' }))?.message).toBe('it is gone')
})

test('a gateway stays as it is while one of its devices has failed', () => {
  const gateway = { name: 'gw' } as Gateway
  const forward = { gateway: 'gw' } as Device['forwards'][number]
  const inventory = {
    devices: [
      { name: 'a', forwards: [forward] },
      { name: 'away', forwards: [forward] },
      { name: 'elsewhere', forwards: [{ ...forward, gateway: 'gw2' }] },
    ],
  } as unknown as Inventory
  const fleet = (...members: Member[]) => ({
    members: new Map(members.map((each) => [each.host.name, each])),
    answers: new Map<string, boolean>(),
    seen: { of: () => undefined, gone: () => false, failed: () => false },
  })
  expect(
    failedRouteTo(gateway, inventory, fleet(a, member('away', 'changed'), member('elsewhere', 'undone'))),
  ).toBeUndefined()
  expect(failedRouteTo(gateway, inventory, fleet(a, away))).toEqual({
    message: 'not undone, as this gateway may be the only route to away',
    hint: 'repair away first, or undo the run on this gateway alone with --limit gw',
  })
})
