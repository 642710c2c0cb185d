import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { ConnectError, RemoteError } from '../../src/errors.ts'
import { localPort, throughSession } from '../../src/remote/local-port.ts'
import type { FullSession } from '../../src/ssh/session/session.ts'

test('a port of this machine leads to what is connected, for each connection anew, until it is closed', async () => {
  const far = createServer((socket) => void socket.end('far'))
  far.listen(0, '127.0.0.1')
  await once(far, 'listening')
  const failures: string[] = []
  let isAway = false
  const open = async () => {
    if (isAway) throw new RemoteError('refused', 'nobody is there')
    return connect((far.address() as AddressInfo).port, '127.0.0.1')
  }
  const local = await localPort(open, { port: 0, failed: ({ message }) => void failures.push(message) })
  const read = async () => {
    const socket = connect(local.port, '127.0.0.1')
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  expect([await read(), await read()]).toEqual(['far', 'far'])
  isAway = true
  expect([await read(), failures]).toEqual(['', ['nobody is there']])
  await expect(localPort(open, { port: local.port, failed: () => {} })).rejects.toThrow(`port ${local.port} of this`)
  local.close()
  await expect(read()).rejects.toThrow('ECONNREFUSED')
  far.close()
})

test('a session that was lost is opened anew, one that refuses is kept', async () => {
  const answers = ['lost', 'refused', 'lost', 'away'] as const
  const asked: string[] = []
  let logins = 0
  let at = 0
  const login = async () => {
    if (answers[at] === 'away') throw new ConnectError('unreachable', 'no route worked')
    const number = ++logins
    const forward = async (host: string, port: number) => {
      asked.push(`${number}: ${host} ${port}`)
      const answer = answers[at++]
      throw new RemoteError(answer === 'refused' ? 'refused' : 'lost', String(answer))
    }
    return { forward } as unknown as FullSession
  }
  const open = throughSession(login)
  await expect(open('localhost', 80)).rejects.toThrow('lost')
  await expect(open('localhost', 80)).rejects.toThrow('refused')
  // Through the session that refused; that is lost, and there is no new one.
  await expect(open('localhost', 81)).rejects.toThrow('no route worked')
  expect(asked).toEqual(['1: localhost 80', '2: localhost 80', '2: localhost 81'])
})
