import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withDevices } from '../../../src/inventory/edit/add-devices.ts'
import { withoutDevice } from '../../../src/inventory/edit/remove.ts'
import { parse } from '../parse.ts'

/** Whatever people put between the parts of a JSON file. */
const gap = fc.constantFrom('', ' ', '\n', '\n    ', ' // a, "b": { ]\n', '\n  /* [ , */\n', '\r\n\t')
const end = fc.constantFrom('', ',')

/** An inventory, laid out somehow. */
const laidOut = fc
  .record({
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c.lan', 'd-1'), { maxLength: 4 }),
    gaps: fc.array(gap, { minLength: 30, maxLength: 30 }),
    end,
  })
  .map(({ names, gaps, end }) => {
    let at = 0
    const between = () => gaps[at++ % gaps.length] ?? ''
    const devices = names.map((name, n) => {
      return `${between()}"${name}"${between()}:${between()}{${between()}"forwards": ["${9000 + n}:localhost:22"]${between()}}${between()}`
    })
    const list = devices.join(',') + (devices.length > 0 ? end : '')
    return `${between()}{${between()}"gateways": { "gw": { "ports": "9000-9999" } },${between()}"devices"${between()}:${between()}{${list}${between()}}${between()}${end}}${between()}`
  })

const names = (text: string) => parse(text).devices.map(({ name }) => name)
const add = (text: string, name: string) =>
  withDevices(text, { names: [name], gateways: [], to: { host: 'localhost', hostPort: 22 } }, parse).text

test('however a file is laid out, a new device comes last, with a free port, and every byte that was there stays in its order', () => {
  fc.assert(
    fc.property(laidOut, (text) => {
      const after = add(text, 'new')
      expect(names(after)).toEqual([...names(text), 'new'])
      const ports = parse(after).devices.map(({ forwards }) => forwards[0]?.port)
      expect(new Set(ports).size).toBe(ports.length)
      let from = 0
      for (const character of text) {
        from = after.indexOf(character, from) + 1
        if (from === 0) expect.fail(`${JSON.stringify(text)} is not in ${JSON.stringify(after)}`)
      }
    }),
  )
})

test('… and when it leaves again, the others are as they were', () => {
  fc.assert(
    fc.property(laidOut, (text) => {
      const left = withoutDevice(add(text, 'new'), 'new')
      expect(parse(left)).toEqual(parse(text))
    }),
  )
})

test('each of the others can leave as well', () => {
  fc.assert(
    fc.property(laidOut, (text) => {
      for (const name of names(text)) {
        expect(names(withoutDevice(text, name))).toEqual(names(text).filter((each) => each !== name))
      }
    }),
  )
})
