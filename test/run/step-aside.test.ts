import { expect, test } from 'vitest'
import { steppingAside } from '../../src/run/step-aside.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: {
      pi: { forwards: ['127.0.0.1:9022:localhost:22', '127.0.0.1:9080:printer.lan:80'] },
      qi: { forwards: ['127.0.0.1:61000:localhost:22'] },
    },
  }),
)

test('who steps aside gets ports that nobody has, and nobody else moves', () => {
  const [pi, qi] = steppingAside(inventory, ['pi']).devices
  expect(pi?.forwards.map(({ port, host, hostPort }) => [port, host, hostPort])).toEqual([
    [61001, 'localhost', 22],
    [61002, 'printer.lan', 80],
  ])
  expect(qi).toEqual(inventory.devices[1])
})
