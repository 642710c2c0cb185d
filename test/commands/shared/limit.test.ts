import { expect, test } from 'vitest'
import { limitOf } from '../../../src/commands/shared/limit.ts'
import { InventoryError } from '../../../src/errors.ts'
import { parse } from '../../inventory/parse.ts'

const inventory = parse(`{
  "gateways": { "gw": {} },
  "devices": { "logger": {} },
  "groups": {
    "sensors": { "devices": ["sensor{index}"], "index": "01-30" },
    "berlin": { "devices": ["logger", "sensor03"] },
  },
}`)
const names = ['gw', 'logger', 'sensor01', 'sensor03', 'sensor30']
const within = (...patterns: string[]) => names.filter(limitOf(patterns, inventory))

test('a limit names hosts, groups, and globs of both', () => {
  expect(within('logger')).toEqual(['logger'])
  expect(within('sensor0?')).toEqual(['sensor01', 'sensor03'])
  expect(within('berlin')).toEqual(['logger', 'sensor03'])
  expect(within('BERL*', 'gw')).toEqual(['gw', 'logger', 'sensor03'])
  expect(within('sensors')).toEqual(['sensor01', 'sensor03', 'sensor30'])
  expect(within()).toEqual(names)
})

test('a limit that nobody has names some that are there', () => {
  const refusal = (() => {
    try {
      return limitOf(['gw', 'hamburg'], inventory)
    } catch (error) {
      return error
    }
  })()
  expect(refusal).toBeInstanceOf(InventoryError)
  expect(refusal instanceof InventoryError && `${refusal.message}\n${refusal.hint}`).toMatchInlineSnapshot(`
    "--limit hamburg: no host and no group of that name
    the hosts are gw, logger, sensor01, sensor02, sensor03, sensor04, sensor05, sensor06, sensor07, sensor08, sensor09, sensor10, sensor11, sensor12, sensor13, sensor14, sensor15, sensor16, sensor17, sensor18 and 12 more; the groups are sensors, berlin"
  `)
})

test('a limit to the name that a device had says what it is called now', () => {
  const renamed = parse('{ "gateways": { "gw": {} }, "devices": { "attic": { "knownAs": "roof" } } }')
  const refusal = (() => {
    try {
      return limitOf(['roof'], renamed)
    } catch (error) {
      return error
    }
  })()
  expect(refusal).toMatchObject({
    message: '--limit roof: no host of that name',
    hint: 'it was renamed to attic',
  })
})
