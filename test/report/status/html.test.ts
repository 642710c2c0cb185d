import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { statusPage } from '../../../src/report/status/html.ts'
import type { StatusReport } from '../../../src/report/status/status.ts'
import { visit } from '../chromium.ts'
import { fleet, forward, gateway, report, troubled } from '../status-of.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-page-'))
afterAll(() => rmSync(folder, { recursive: true }))

const evil = `"><script src=http://x.invalid/></script><img src=x onerror=alert(1)>'&\u202e`
const hostile = (text: string, device = 'host-a'): StatusReport => ({
  ...report({
    gateways: [{ ...gateway, state: 'unread', runsOn: { os: text, sshd: text }, error: { message: text, hint: text } }],
    forwards: [
      { ...forward, device, runsOn: { os: text, model: text, sshd: text }, session: { from: text } },
      troubled('stale', { device, holder: text, unit: text, error: { message: text }, next: text }),
    ],
  }),
  inventory: text,
})

test('it stands alone: nothing is fetched, and nothing runs but its clock', () => {
  const page = statusPage(fleet(60, 2))
  expect(page).not.toMatch(/<script[^>]|<link rel="(?!icon)|@import|url\(|src=/)
  expect(page.match(/<script>/g)).toHaveLength(1)
  expect([...page.matchAll(/https?:\/\/[^\s"'<)]+/g)].map(([url]) => url)).toEqual(['http://www.w3.org/2000/svg'])
  expect(Buffer.byteLength(page)).toBeLessThan(250_000)
})

test('what a host sent is text and never markup', () => {
  const tags = (page: string) =>
    page.match(/<[^>]*>/g)?.map((tag) => tag.replaceAll(/(title|aria-label|d)="[^"]*"/g, ''))
  expect(tags(statusPage(hostile(evil)))).toEqual(tags(statusPage(hostile('harmless'))))
  expect(statusPage(hostile(evil))).not.toContain('\u202e')
})

test('it is fetched again by itself only while somebody watches', () => {
  expect(statusPage(report())).not.toContain('http-equiv="refresh"')
  expect(statusPage(report(), { refresh: 5 })).toContain('<meta http-equiv="refresh" content="5">')
})

test('it says how long ago that was, and when by the clock of whoever reads it; without its program, in UTC', async () => {
  const at = new Date(Date.now() - 5 * 60_000 - 10_000)
  const page = statusPage({ ...report({ forwards: [{ ...forward, since: at.toISOString() }] }), at: at.toISOString() })
  const read = `return { said: document.querySelector('.meta').innerText, titles: [...document.querySelectorAll('[title]')].map(({ title }) => title) }`
  const [ran, still] = await Promise.all(
    [page, page.replace(/script-src '[^']*'/, '')].map((each) => visit(each, read, { width: 800 })),
  )
  expect(ran?.measured.said).toMatch(/looked at 5 min ago, /)
  expect(String([ran?.measured.said, ran?.measured.titles])).not.toContain('UTC')
  expect(ran?.complaints).toEqual([])
  expect(still?.measured.said).toMatch(/looked at \d+ \w{3} \d{4}, [\d:]{8} UTC$/)
}, 60_000)

test('without any forward there is no empty map', () => {
  const page = statusPage(report({ forwards: [], gateways: [], without: ['host-z'] }))
  expect(page).toContain('<h1>no forward to look at</h1>')
  expect(page).not.toContain('<table')
  expect(page).toContain('Without a forward: host-z')
})

test('every state has its word beside its colour, and a shape of its own', () => {
  const states = ['ok', 'no-tunnel', 'stale', 'device-sshd-down', 'wrong-device', 'unverified'] as const
  const page = statusPage(report({ forwards: states.map((state) => troubled(state, { device: `host-${state}` })) }))
  const shapes = states.map((state) => new RegExp(`<g class="mark ${state}"[^>]*>(.*?)</g>`).exec(page)?.[1])
  expect(new Set(shapes).size).toBe(states.length)
  for (const state of states) expect(page).toContain(`</svg>${state}</span></td>`)
})

/** What is too wide, what is hidden, what is too pale to be read (WCAG 2, contrast of text against its ground). */
const measure = `
const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).map((x) => (x / 255 <= .03928 ? x / 255 / 12.92 : ((x / 255 + .055) / 1.055) ** 2.4)); return .2126 * r + .7152 * g + .0722 * b }
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05) }
const ground = (e) => { for (; e; e = e.parentElement) { const c = window.getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c } return 'rgb(255,255,255)' }
const seen = [...document.querySelectorAll('body *')].filter((e) => e.getClientRects().length)
const words = seen.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
const ink = (e) => window.getComputedStyle(e)[e.namespaceURI.endsWith('svg') ? 'fill' : 'color']
return {
  wide: document.documentElement.scrollWidth - window.innerWidth,
  scrolls: seen.filter((e) => e.matches('.scroll') && e.scrollWidth > e.clientWidth).length,
  maps: seen.filter((e) => e.matches('svg.map')).map((e) => e.getAttribute('class')),
  outside: seen.filter((e) => e.matches('svg.map text')).filter((e) => { const [t, s] = [e, e.ownerSVGElement].map((x) => x.getBoundingClientRect()); return t.left < s.left - 1 || t.right > s.right + 1 || t.top < s.top - 1 || t.bottom > s.bottom + 1 }).map((e) => e.textContent),
  pale: words.filter((e) => e.closest('.gateway') === null && ratio(ink(e), ground(e)) < 4.5).map((e) => e.className + e.textContent.slice(0, 40)),
  rows: document.querySelectorAll('tbody').length,
  ground: window.getComputedStyle(document.body).backgroundColor,
}`

describe('in a browser', () => {
  const wide = 1280
  const tablet = 820
  const phone = 390
  const long = 'names as long as they get'
  test.each([
    ['one device', report(), wide, false],
    ['five devices, dark', fleet(5, 1), wide, true],
    ['sixty devices on two gateways', fleet(60, 2), wide, false],
    ['one device on a phone', report(), phone, false],
    ['five devices on a tablet', fleet(5, 1), tablet, false],
    ['sixty devices on a phone, dark', fleet(60, 2), phone, true],
    ['anything that a host may send, on a phone', hostile(evil), phone, false],
    [long, hostile('x'.repeat(250), 'x'.repeat(250)), wide, false],
    [`${long}, on a phone`, hostile('x'.repeat(250), 'x'.repeat(250)), phone, false],
  ])('%s: nothing sticks out, nothing is pale, nothing is fetched', async (name, shown, width, dark) => {
    // A picture of it is made where there is most to see.
    const screenshot = shown.forwards.length > 60 ? join(folder, `${name}.png`) : undefined
    const { measured, asked, complaints } = await visit(statusPage(shown), measure, {
      width,
      dark,
      ...(screenshot && { screenshot }),
    })
    expect({ measured, asked, complaints }).toEqual({
      measured: {
        wide: 0,
        scrolls: name === long ? 1 : 0,
        maps: [width === phone ? 'map narrow' : 'map wide'],
        outside: [],
        pale: [],
        rows: shown.forwards.length,
        ground: dark ? 'rgb(14, 19, 24)' : 'rgb(243, 245, 248)',
      },
      asked: [],
      complaints: [],
    })
    // There is more on it than one colour.
    if (screenshot) expect(readFileSync(screenshot).length).toBeGreaterThan(50_000)
  })
  test('who looks would see what does not belong there', async () => {
    const bad = statusPage(report()).replace(
      '</main>',
      '<p style="color:#eee;width:2000px">pale</p><img src="/outside.png"></main>',
    )
    const { measured, complaints } = await visit(bad, measure, { width: phone })
    expect(measured).toMatchObject({ pale: ['pale'], wide: expect.any(Number) })
    expect(measured.wide).toBeGreaterThan(1000)
    expect(complaints.join()).toContain('Content Security Policy')
    const { asked } = await visit(bad.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ''), measure, {
      width: phone,
    })
    expect(asked).toEqual(['/outside.png'])
  })
})
