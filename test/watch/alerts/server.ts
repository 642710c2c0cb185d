import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Got {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server that notes what it gets, and answers as the test says: 200 where that says nothing. */
export async function receiver(answer: (got: Got, response: ServerResponse, count: number) => void = () => undefined) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body }
      got.push(one)
      answer(one, response, got.length)
      if (!response.writableEnded && !holds.has(response)) response.end()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  }
  return { got, url, close }
}

const holds = new WeakSet<ServerResponse>()
/** Answers nothing, ever. */
export const hang = (_: Got, response: ServerResponse) => void holds.add(response)
