import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Watcher } from '../watcher.ts'
import { type Access, refusedWith } from './access.ts'
import { pageIcon, pageScript, pageStyle } from './files.ts'
import { watchMetrics } from './metrics.ts'
import { liveMain, livePage } from './page.ts'
import { type View, viewOf } from './view.ts'

export interface PageServer {
  /** Once a second: tells the pages that are open when something has changed. */
  tick(): void
  close(): void
}

export interface Listening extends Access {
  readonly address: string
  readonly port: number
}

/** Nothing from anywhere else, no script but the page's own, in nobody's frame. */
const safety = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
const mostPages = 100
/** Ages grow also where nothing happens. */
const refreshMs = 30_000
/** A gateway that was not even tried for so long is not watched. */
const stuckMs = 600_000
const openMetrics = 'application/openmetrics-text'

/** The page, as long as it is watched. It answers GET and nothing else, and can change nothing. */
export async function servePage(it: Watcher, { address, port, token }: Listening): Promise<PageServer> {
  const pages = new Set<ServerResponse>()
  let shown = ''
  let view: { readonly key: string; readonly value: View } | undefined
  // Many may ask at once, as all do when something has changed.
  const current = () => {
    const key = `${Math.floor(it.now() / 1000)} ${stateOf(it)}`
    if (view?.key !== key) view = { key, value: viewOf(it) }
    return view.value
  }

  const server = createServer((request, response) => {
    const refused = refusedWith({ token }, request.headers)
    if (refused === 401)
      return answer(response, 401, 'text/plain', 'a token is needed\n', {
        'www-authenticate': 'Basic realm="provision"',
      })
    if (refused) return answer(response, refused, 'text/plain', 'this is served at addresses of this machine alone\n')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'text/plain', 'only GET\n', { allow: 'GET, HEAD' })
    route(request, response)
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000

  function route(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0]
    if (path === '/') answer(response, 200, 'text/html', livePage(current()))
    else if (path === '/main') answer(response, 200, 'text/html', liveMain(current()).text)
    else if (path === '/style.css') answer(response, 200, 'text/css', pageStyle)
    else if (path === '/script.js') answer(response, 200, 'text/javascript', pageScript)
    else if (path === '/icon.svg') answer(response, 200, 'image/svg+xml', pageIcon)
    else if (path === '/events' && pages.size < mostPages) follow(response)
    else if (path === '/events') answer(response, 503, 'text/plain', 'too many pages are open\n')
    else if (path === '/api/status.json') {
      const { status, hosts, started, waiting } = current()
      const { at, inventory, gateways, forwards, without } = status
      const report = {
        version: 1,
        command: 'watch',
        inventory,
        at,
        started,
        waiting,
        gateways,
        hosts,
        forwards,
        without,
      }
      answer(response, 200, 'application/json', `${JSON.stringify(report)}\n`)
    } else if (path === '/metrics') {
      const isOpen = (request.headers.accept ?? '').includes(openMetrics)
      const type = isOpen ? `${openMetrics}; version=1.0.0` : 'text/plain; version=0.0.4'
      answer(response, 200, type, `${watchMetrics(current(), it)}${isOpen ? '# EOF\n' : ''}`)
    } else if (path === '/healthz') void health(it).then((wrong) => answerHealth(response, wrong))
    else answer(response, 404, 'text/plain', 'there is nothing here\n')
  }

  function follow(response: ServerResponse): void {
    response.writeHead(200, { ...safety, 'content-type': 'text/event-stream; charset=utf-8' })
    response.write('retry: 3000\nevent: change\ndata: \n\n')
    pages.add(response)
    response.once('close', () => pages.delete(response))
  }

  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, address, done)
  })
  return {
    tick() {
      if (pages.size === 0) return
      const now = stateOf(it)
      if (now === shown) return
      shown = now
      for (const page of pages) page.write('event: change\ndata: \n\n')
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Is another text when the page should be another one. */
function stateOf({ board, record, outbox, now }: Watcher): string {
  const forwards = [...board.forwards].map(([key, { status }]) => `${key} ${status.state}`)
  const gateways = [...board.gateways.values()].map(({ name, error }) => `${name} ${error?.message}`)
  const rest = [record.memory.outages.size, outbox.waiting(), Math.floor(now() / refreshMs)]
  return [...forwards, ...gateways, ...rest].join('\n')
}

/** What keeps it from watching; undefined: nothing. */
async function health({ board, record, started, now }: Watcher): Promise<string | undefined> {
  const trouble = await record.settled()
  if (trouble !== undefined) return `the record cannot be written (${trouble})`
  const gateways = board.inventory.gateways.filter(({ name }) =>
    board.inventory.devices.some(({ forwards }) => forwards.some(({ gateway }) => gateway === name)),
  )
  const stuck = gateways.find(({ name }) => now() - (board.gateways.get(name)?.at ?? started) > stuckMs)
  return stuck && `${stuck.name} was not looked at for ${stuckMs / 60_000} min`
}

const answerHealth = (response: ServerResponse, wrong: string | undefined) =>
  answer(response, wrong === undefined ? 200 : 503, 'text/plain', `${wrong ?? 'ok'}\n`)

function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...safety, 'content-type': `${type}; charset=utf-8`, ...more }).end(body)
}
