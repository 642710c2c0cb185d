import { createHash } from 'node:crypto'
import { html } from '../html.ts'

/**
 * The only program of the page: it turns the times that stand there in UTC into those of the reader's clock, and says
 * how old the page is, each half minute anew. Where no program may run, the page stays as it was written.
 */
export const pageClock = html`
const told = document.querySelector('header time')
const age = (s) => s < 60 ? Math.max(0, Math.floor(s)) + ' s' : s < 3600 ? Math.floor(s / 60) + ' min'
  : s < 86400 ? Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min' : Math.floor(s / 86400) + ' d'
const say = () => {
  const at = new Date(told.dateTime)
  told.textContent = age((Date.now() - at) / 1000) + ' ago, ' + at.toLocaleString()
}
for (const each of document.querySelectorAll('time[title]')) each.title = new Date(each.dateTime).toLocaleString()
say()
setInterval(say, 30000)
`

/** What the page's policy allows to run: this text, to the byte, and nothing else. */
export const pageClockDigest = `sha256-${createHash('sha256').update(pageClock.text).digest('base64')}`
