import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Visit {
  /** Of the window that the page believes to be in. */
  readonly width: number
  readonly dark?: boolean
  /** Where a picture of it goes. */
  readonly screenshot?: string
}

export interface Looked {
  /** What `measure` printed in the page. */
  readonly measured: Record<string, unknown>
  /** What the browser asked for, the page itself aside. */
  readonly asked: readonly string[]
  /** What it complained of. */
  readonly complaints: readonly string[]
}

/** Debian's browser, as root and without any network of its own (as its own tests start it). */
const flags = [
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking',
  '--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --virtual-time-budget=4000',
  '--host-resolver-rules=MAP[*~NOTFOUND,EXCLUDE[127.0.0.1',
]
  .join(' ')
  .split(' ')
  .map((flag) => flag.replaceAll('[', ' '))

/**
 * Opens a page in headless Chromium. It is shown in a frame, which may be narrower than a window, and measured from
 * outside: `measure` is the body of a function of its `document` and `window`.
 */
export async function visit(page: string, measure: string, { width, dark, screenshot }: Visit): Promise<Looked> {
  const asked: string[] = []
  const frame = `<!doctype html><title>-</title><body style="margin:0"><pre hidden></pre>
<iframe src="/page" style="border:0;width:${width}px;height:100vh"></iframe>
<script>document.querySelector('iframe').onload = ({ target: { contentDocument: d, contentWindow: w } }) => {
document.querySelector('pre').textContent = '@' + JSON.stringify(((document, window) => {${measure}})(d, w)) + '@' }</script>`
  const server = createServer((request, response) => {
    const text = { '/': frame, '/page': page }[request.url ?? '']
    if (text === undefined) asked.push(request.url ?? '')
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const profile = await mkdtemp(join(tmpdir(), 'provision-chromium-'))
  const run = (...more: string[]) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const look = [`--user-data-dir=${profile}`, `--window-size=${Math.max(width, 500)},900`]
    return chromium([...flags, ...look, ...(dark ? ['--blink-settings=preferredColorScheme=0'] : []), ...more, url])
  }
  try {
    if (screenshot) await run(`--screenshot=${screenshot}`)
    const { stdout, stderr } = await run('--dump-dom')
    const text = /@(\{.*\})@/s
      .exec(stdout)?.[1]
      ?.replaceAll('&amp;', '&')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
    if (text === undefined) throw new Error(`nothing was measured: ${stdout}\n${stderr}`)
    const complaints = stderr.split('\n').filter((line) => /CONSOLE|Refused|violat/.test(line))
    return { measured: JSON.parse(text), asked: asked.filter((url) => url !== '/favicon.ico'), complaints }
  } finally {
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** A page that is served, by its URL: its document when its script has run, and what the browser complained of. */
export async function openPage(url: string, width: number): Promise<Pick<Looked, 'complaints'> & { document: string }> {
  const profile = await mkdtemp(join(tmpdir(), 'provision-chromium-'))
  // Its own time would stand still for as long as the page listens for news.
  const own = flags.filter((flag) => !flag.startsWith('--virtual-time'))
  const look = [`--user-data-dir=${profile}`, `--window-size=${width},900`, '--dump-dom']
  try {
    const { stdout, stderr } = await chromium([...own, ...look, url])
    return { document: stdout, complaints: stderr.split('\n').filter((line) => /CONSOLE|Refused|violat/.test(line)) }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

function chromium(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('chromium', words, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text
      })
    child.once('error', reject)
    child.once('close', () => resolve(said))
  })
}
