import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { type Listening, servePage } from '../../../src/watch/page/server.ts'
import { openPage } from '../../report/chromium.ts'
import { parseMetrics } from '../../report/prometheus.ts'
import { freePort } from '../../ssh/session/fixture.ts'
import { inventoryOf, recordInMemory, type World, world } from '../world.ts'

const token = 'a-token-of-some-length'

/** A page of three devices, of which the last is down. */
async function served(more: Partial<Listening> = {}) {
  const w = world(inventoryOf(3))
  for (const name of ['gw', 'gw2']) w.seeGateway(name, true, -90_000)
  for (const name of ['d0', 'd1', 'd2']) w.see(name, 'ok', { since: -500 })
  w.it.remember()
  await w.goTo(60)
  w.it.remember()
  w.see('d2', 'no-tunnel')
  for (let minute = 2; minute <= 5; minute++) {
    await w.goTo(minute * 60)
    w.it.remember()
  }
  return { w, ...(await listen(w, more)) }
}

async function listen(w: World, more: Partial<Listening>) {
  // The page does not tell which port the system would choose for it.
  const port = await freePort()
  const page = await servePage(w.it, { address: '127.0.0.1', port, ...more })
  onTestFinished(() => page.close())
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      })
      asked.on('error', reject).end()
    })
  return { page, ask, port }
}

test('the page shows each device, how it is, and what was', async () => {
  const { ask } = await served()
  const { status, headers, body } = await ask('/')
  expect(status).toBe(200)
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  expect(body).toContain('<h1 id="summary">2 of 4 forwards reach their device</h1>')
  expect(body.indexOf('data-name="d2"')).toBeLessThan(body.indexOf('data-name="d0"'))
  expect(body).toContain('data-name="d2" data-state="no-tunnel"')
  expect(body).toContain('<summary>1 outage, away for 4 min, longest 4 min<span class="hidden"> of d2</span></summary>')
  // Nothing on it is anybody else's, and nothing runs but the one script.
  expect(body.match(/<script/g)).toEqual(['<script'])
  expect(body).not.toMatch(/ (style|on\w+)=|https?:\/\//)
})

test('nothing that a host says becomes markup', async () => {
  const { w, ask } = await served()
  const evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
  const [device] = w.it.board.inventory.devices
  w.it.use({ ...w.it.board.inventory, devices: device ? [{ ...device, name: evil }] : [] })
  const forward = { device: evil, gateway: 'gw', bindAddress: '127.0.0.1', port: 9000 }
  const error = { message: evil }
  w.it.board.forward({ ...forward, state: 'stale', error, session: { from: evil } }, w.it.now())
  await w.goTo(900)
  for (const path of ['/', '/main']) {
    const { body } = await ask(path)
    expect(body).toContain('&lt;script&gt;alert(1)')
    expect(body).not.toMatch(/<script>|<img/)
  }
  expect((await ask('/metrics')).body).not.toContain('\n<')
})

test('what is asked for as JSON and as metrics says the same', async () => {
  const { ask } = await served()
  const json = JSON.parse((await ask('/api/status.json')).body)
  expect(json).toMatchObject({ version: 1, command: 'watch', waiting: 0, gateways: [{ name: 'gw' }, { name: 'gw2' }] })
  expect(json.hosts).toContainEqual({ name: 'd2', role: 'device', condition: 'down', since: expect.any(String) })
  const plain = await ask('/metrics')
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const values = new Map(
    parseMetrics(plain.body).map(({ name, labels, value }) => [`${name} ${labels.host ?? labels.device ?? ''}`, value]),
  )
  expect(values.get('provision_watch_host_up d2')).toBe(0)
  expect(values.get('provision_watch_host_up d0')).toBe(1)
  expect(values.get('provision_watch_host_outages d2')).toBe(1)
  const open = await ask('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' })
  expect(open.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(open.body).toBe(`${plain.body}# EOF\n`)
})

test('it can change nothing, and knows nothing else', async () => {
  const { ask } = await served()
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) expect((await ask('/', {}, method)).status).toBe(405)
  for (const path of ['/../package.json', '/record.jsonl', '/main/']) expect((await ask(path)).status).toBe(404)
})

test('on this machine only who asks for this machine is served: no other name may lead here', async () => {
  const { ask, port } = await served()
  for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`])
    expect((await ask('/', { host })).status).toBe(200)
  for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1'])
    expect((await ask('/', { host })).status).toBe(421)
})

test('with a token nobody without it sees anything', async () => {
  const { ask } = await served({ token })
  const basic = (word: string) => `Basic ${Buffer.from(`me:${word}`).toString('base64')}`
  for (const authorization of ['', 'Bearer wrong', basic('wrong'), `Digest ${token}`])
    for (const path of ['/', '/main', '/events', '/metrics', '/healthz', '/api/status.json'])
      expect((await ask(path, { authorization })).status).toBe(401)
  for (const authorization of [`Bearer ${token}`, basic(token)])
    expect((await ask('/', { authorization, host: 'watch.example' })).status).toBe(200)
})

test('healthz says whether it watches', async () => {
  const { w, ask } = await served()
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
  await w.goTo(1000)
  expect(await ask('/healthz')).toMatchObject({ status: 503, body: 'gw was not looked at for 10 min\n' })
  const full = world(inventoryOf(1), { ...recordInMemory(), settled: async () => 'ENOSPC' })
  const other = await listen(full, {})
  expect(await other.ask('/healthz')).toMatchObject({ status: 503, body: 'the record cannot be written (ENOSPC)\n' })
})

test('an open page is told when something has changed, and not otherwise', async () => {
  const { w, page, port } = await served()
  let told = 0
  const asked = request({ host: '127.0.0.1', port, path: '/events' }, (response) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      told += text.match(/event: change/g)?.length ?? 0
    })
  })
  asked.on('error', () => undefined).end()
  onTestFinished(() => void asked.destroy())
  const seen = (count: number) => expect.poll(() => told, { timeout: 5000, interval: 5 }).toBe(count)
  await seen(1)
  page.tick()
  await seen(2)
  page.tick()
  w.see('d2', 'ok')
  page.tick()
  await seen(3)
})

test('a thousand devices are one page of a size that a phone can take', async () => {
  const w = world(inventoryOf(1000))
  for (const name of ['gw', 'gw2']) w.seeGateway(name, true)
  for (let n = 0; n < 1000; n++) w.see(`d${n}`, 'ok')
  w.it.remember()
  const { ask } = await listen(w, {})
  const { body } = await ask('/')
  expect(body.match(/data-name=/g)?.length).toBe(1000)
  expect(body.length).toBeLessThan(1_000_000)
})

test('in a browser its script runs, and neither a name nor an error of a host runs there', async () => {
  const { w, port } = await served()
  const evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
  const [device] = w.it.board.inventory.devices
  if (!device) throw new Error('no device')
  w.it.use({ ...w.it.board.inventory, devices: [{ ...device, name: evil }] })
  const forward = { device: evil, gateway: 'gw', bindAddress: '127.0.0.1', port: 9000 }
  w.it.board.forward({ ...forward, state: 'stale', error: { message: evil } }, w.it.now())
  const { document, complaints } = await openPage(`http://127.0.0.1:${port}/`, 1000)
  expect(complaints).toEqual([])
  expect(document).toMatch(/<span id="live" role="status">(connecting|updates itself)</)
  expect(document).toContain('<title>0 of 1 forward reach their device · inventory.json</title>')
  expect(document).toContain('&lt;script&gt;document.title=1')
})
