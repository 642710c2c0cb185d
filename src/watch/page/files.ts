import { style } from '../../report/status/style.ts'

/** The page's style: that of the page that `status --html` writes, and what only the live page has. */
export const pageStyle = `${style.text}
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.soft { color: var(--soft); font-weight: 400 }
:focus-visible { outline: 3px solid var(--ok); outline-offset: 2px; border-radius: 4px } main:focus { outline: none }
.filters { display: flex; flex-wrap: wrap; gap: 10px 20px; align-items: center; color: var(--soft); font-size: 14px }
.filters input, .filters select { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft);
  border-radius: 8px; padding: 6px 10px; min-height: 38px }
.devices { list-style: none; margin: 0; padding: 0 }
.device-row { display: grid; grid-template-columns: minmax(12em, 1.2fr) minmax(9em, .9fr) minmax(10em, 2fr) 6em;
  gap: 2px 18px; align-items: center; padding: 8px 0; border-top: 1px solid var(--line) }
.device-row[hidden] { display: none }
.device-row h3 { margin: 0; font-size: 15px; font-weight: 600; overflow-wrap: anywhere } .device-row p { margin: 0 }
.device-row .share { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft) }
.device-row .more { grid-column: 1 / -1; font-size: 13.5px; padding-bottom: 4px }
.device-row summary { cursor: pointer; padding: 4px 0 } .device-row ol { margin: 4px 0; padding-left: 22px }
.strip { width: 100%; height: 18px; display: block } .strip .well { fill: var(--ok) } .strip .moment { fill: var(--stale) }
.strip .away { fill: var(--no-tunnel) } .strip .unwatched { fill: var(--line) }
@media (max-width: 760px) { .device-row { grid-template-columns: 1fr auto } .device-row h3 { grid-column: 1 / -1 }
  .device-row .strip { grid-column: 1 / -1; order: 1 } .device-row .more { order: 2 } }
@media (forced-colors: active) { .strip rect { forced-color-adjust: none } }
`

/**
 * The page's script. Puts in what has changed, keeping what is open and where the reader is; and filters. It reads what
 * this server has written and makes no markup of its own.
 */
export const pageScript = `'use strict'
const by = (id) => document.getElementById(id)
const main = by('main')
const say = (text) => { if (by('live').textContent !== text) by('live').textContent = text }

function filter() {
  const name = by('name').value.trim().toLowerCase()
  const state = by('state').value
  let shown = 0
  const rows = main.querySelectorAll('[data-state]')
  for (const row of rows) {
    const fits = state === '' || row.dataset.state === state || (state === 'not-ok' && row.dataset.state !== 'ok')
    row.hidden = !fits || !row.dataset.name.toLowerCase().includes(name)
    if (!row.hidden) shown++
  }
  by('count').textContent = shown === rows.length ? '' : shown + ' of ' + rows.length + ' devices'
}

let loading = false
async function load() {
  if (loading) return
  loading = true
  try {
    const answer = await fetch('main')
    if (!answer.ok) return
    const open = new Set([...main.querySelectorAll('details[open]')].map((one) => one.dataset.key))
    const focused = document.activeElement?.closest?.('details')?.dataset.key
    main.innerHTML = await answer.text()
    for (const one of main.querySelectorAll('details')) {
      if (open.has(one.dataset.key)) one.open = true
      if (focused === one.dataset.key) one.querySelector('summary').focus({ preventScroll: true })
    }
    document.title = by('title').textContent
    by('summary').textContent = document.title.split(' · ')[0]
    filter()
  } finally {
    loading = false
  }
}

for (const id of ['name', 'state']) by(id).addEventListener('input', filter)
document.forms[0].addEventListener('submit', (event) => event.preventDefault())
say('connecting')
const events = new EventSource('events')
events.onopen = () => say('updates itself')
events.onerror = () => say('the watcher does not answer')
events.addEventListener('change', () => void load())
filter()
`

export const pageIcon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#12805c"/></svg>'
