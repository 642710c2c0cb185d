import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { firstBytes } from '../../src/verify/first-bytes.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

function dial(serve: (socket: Socket) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}))
      serve(socket)
    }).listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port'))
      const socket = connect(address.port, '127.0.0.1', () => resolve(socket))
      sockets.push(socket)
    })
    servers.push(server)
  })
}

test('who speaks first is heard, and what was said is still there to be read', async () => {
  const stream = await dial((socket) => socket.write('SSH-2.0-OpenSSH_10.0\r\n'))
  expect(await firstBytes(stream, 5000)).toBe('speaks')
  expect(String(stream.read())).toBe('SSH-2.0-OpenSSH_10.0\r\n')
})

test('who closes at once is not taken for silent', async () => {
  expect(await firstBytes(await dial((socket) => socket.end()), 5000)).toBe('closed')
})

test('who resets the connection has closed it', async () => {
  const stream = await dial((socket) => socket.on('data', () => socket.resetAndDestroy()))
  stream.write('hello')
  expect(await firstBytes(stream, 5000)).toBe('closed')
})

test('who says nothing is silent once the time is over', async () => {
  expect(await firstBytes(await dial(() => {}), 20)).toBe('silence')
})

test('an error that comes after the answer ends no process', async () => {
  const stream = new PassThrough()
  expect(await firstBytes(stream, 5)).toBe('silence')
  expect(stream.emit('error', new Error('too late'))).toBe(true)
})
