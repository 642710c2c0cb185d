import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import type { FullSession } from '../../src/ssh/session/session.ts'
import { askByKey, lookingWith } from '../../src/status/ask-by-key.ts'
import { endpointOf } from '../../src/status/endpoint.ts'
import { parse } from '../inventory/parse.ts'

const inventory = parse(
  JSON.stringify({
    id: 'k7w2m9qd',
    gateways: { gw: { login: { user: 'admin', transport: 'openssh' } } },
    devices: { a: { forwards: ['127.0.0.1:9022:localhost:22'] } },
  }),
)
const [gateway, device] = [inventory.gateways[0], inventory.devices[0]]
if (!gateway || !device) throw new Error('no hosts')
const endpoints = device.forwards.map((forward) => endpointOf(device, gateway, forward))

/** A gateway that answers this, once it was asked to the end. */
function asked(answer: string | undefined) {
  let question = ''
  const session = {
    host: 'gw',
    forwardToSocket: async (path: string) => {
      question = `${path}\n`
      return new Duplex({
        read() {},
        write(chunk, _, done) {
          question += String(chunk)
          done()
          if (answer === undefined || !question.endsWith('\nend\n')) return
          this.push(answer)
          this.push(null)
        },
      })
    },
  } as unknown as FullSession
  const news = { since: 's=1;i=2', seconds: 30 }
  return askByKey(session, { gateway: gateway as never, endpoints, news, timeoutMs: 50 }).then((text) => ({
    text,
    question,
  }))
}

test('it asks at the socket what a look as root would ask', async () => {
  const { text, question } = await asked('uptime 1\nend\n')
  expect(question).toBe(`/ask\ns=1;i=2 30\n${endpoints[0]?.account}=/s/127.0.0.1_9022\nend\n`)
  expect(text).toContain('uptime 1')
})

test('an answer that was cut short says nothing, and none comes to an end', async () => {
  await expect(asked('uptime 1\n')).rejects.toMatchObject({ kind: 'output' })
  await expect(asked(undefined)).rejects.toMatchObject({ kind: 'timeout' })
})

test('gateways are logged in to with that key alone, and devices as ever', () => {
  const { gateways, devices } = lookingWith('/key', { ...inventory, id: 'k7w2m9qd' })
  expect(gateways[0]?.login).toEqual({
    user: 'look-k7w2m9qd',
    identityFile: '/key',
    sudo: false,
    transport: 'node-ssh',
  })
  expect(devices).toEqual(inventory.devices)
})
