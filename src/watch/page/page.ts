import { duration } from '../../report/duration.ts'
import { type Html, html } from '../../report/html.ts'
import type { ForwardState } from '../../report/report.ts'
import { mark, statusMap } from '../../report/status/map.ts'
import type { ForwardStatus, StatusReport } from '../../report/status/status.ts'
import { age, meaning, order, place, summary, troubles } from '../../report/status/words.ts'
import type { OutageReport } from '../history.ts'
import { percent } from '../history-text.ts'
import { strip } from './strip.ts'
import { shownDays, type View } from './view.ts'

/** More than so many devices no map can show. */
const mostOnMap = 60
/** Of each device. */
const mostOutages = 20

/** The whole page. Its script and its style are files of their own, so that nothing else in it can be either. */
export function livePage(view: View): string {
  const { status, started } = view
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title(status)}</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="style.css">
<script src="script.js" defer></script>
</head>
<body>
<header>
<h1 id="summary">${summary(status)}</h1>
<p class="meta"><span>${status.inventory}</span> <span>watched since ${started.slice(0, 16).replace('T', ' ')} UTC</span> <span id="live" role="status">not updating itself</span></p>
</header>
<form role="search" class="filters">
<label>Name <input type="search" id="name" autocomplete="off"></label>
<label>State <select id="state"><option value="">all</option><option value="not-ok">all but ok</option>${order.map(
    (state) => html`<option value="${state}">${state}</option>`,
  )}</select></label>
<output id="count" for="name state"></output>
</form>
<main id="main" tabindex="-1">${liveMain(view)}</main>
</body>
</html>
`.text
}

export const title = (status: StatusReport) => `${summary(status)} · ${status.inventory}`

/** What changes: the page's script puts it in the place of what was there. */
export function liveMain(view: View): Html {
  const { status, waiting } = view
  const devices = devicesOf(status.forwards)
  const broken = status.gateways.flatMap(({ name, error }) => (error ? [{ name, error }] : []))
  return html`<p id="title" hidden>${title(status)}</p>
${
  (broken.length > 0 || waiting > 0) &&
  html`<section class="alerts" aria-label="Troubles">${broken.map(
    ({ name, error }) =>
      html`<div class="alert"><b>${name} cannot be reached</b><p>${error.message}</p>${error.hint && html`<p>${error.hint}</p>`}</div>`,
  )}${waiting > 0 && html`<div class="alert"><b>${waiting === 1 ? 'One message waits' : `${waiting} messages wait`} to be sent</b></div>`}</section>`
}
<section class="card" aria-labelledby="devices"><h2 id="devices">Devices, and their last ${shownDays} days</h2>
<ul class="devices">${devices.map((device) => deviceItem(device, view))}</ul>
<p class="note">A low line: well. Higher: away for a moment. Full height: away for more than an hour. Grey: nobody watched.</p>
</section>
${
  devices.length > 0 &&
  devices.length <= mostOnMap &&
  html`<section class="card" aria-labelledby="map"><h2 id="map">Map</h2>
${statusMap(status)}
</section>`
}
${status.without.length > 0 && html`<p class="note">Without a forward: ${status.without.join(', ')}</p>`}`
}

interface DeviceOnPage {
  readonly name: string
  readonly forwards: readonly ForwardStatus[]
  /** The worst of its forwards. */
  readonly state: ForwardState
}

/** In the order in which they come: the worst first. */
function devicesOf(forwards: readonly ForwardStatus[]): DeviceOnPage[] {
  const all = new Map<string, ForwardStatus[]>()
  for (const forward of forwards) {
    const own = all.get(forward.device)
    if (own) own.push(forward)
    else all.set(forward.device, [forward])
  }
  return [...all].map(([name, own]) => ({ name, forwards: own, state: own[0]?.state ?? 'unverified' }))
}

function deviceItem({ name, forwards, state }: DeviceOnPage, { status, history, watched }: View): Html {
  const outages = history.outages.filter((outage) => outage.name === name)
  const host = history.hosts.find((one) => one.name === name)
  const share = host?.availability === undefined ? 'not known' : percent(host.availability)
  const since = age(forwards[0]?.since, status)
  const count = `${outages.length} outage${outages.length === 1 ? '' : 's'}`
  const label = `${shownDays} days: there ${share}, ${count}`
  const until = Date.parse(status.at)
  const words = forwards.flatMap((forward) => {
    const own = troubles(forward, status)
    return own.length > 0
      ? [html`<p>${forwards.length > 1 && html`<code>${place(forward)}</code> `}${own.join('; ')}</p>`]
      : []
  })
  return html`<li class="device-row ${state}" data-name="${name}" data-state="${state}">
<h3>${name}</h3>
<p class="pill ${state}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${mark(state)}</svg>${state}<span class="soft">${since ? ` for ${since}` : ''}</span><span class="hidden">: ${meaning[state]}</span></p>
${strip({ outages, watched, until, days: shownDays, label })}
<p class="share">${share}</p>
${
  (words.length > 0 || outages.length > 0) &&
  html`<div class="more">${words}${
    outages.length > 0 &&
    html`<details data-key="${name}"><summary>${count}${host && host.awaySeconds > 0 && `, away for ${duration(host.awaySeconds)}, longest ${duration(host.longestSeconds)}`}<span class="hidden"> of ${name}</span></summary>
<ol>${outages.slice(0, mostOutages).map(outageItem)}</ol>${outages.length > mostOutages && html`<p>and ${outages.length - mostOutages} more</p>`}</details>`
  }</div>`
}
</li>
`
}

function outageItem({ begin, end, seconds, condition, state, cause }: OutageReport): Html {
  const what = condition === 'down' ? (state ?? condition) : condition
  return html`<li><time datetime="${begin}">${begin.slice(0, 16).replace('T', ' ')} UTC</time>, ${duration(seconds)}${end === undefined && ' so far'}, ${what}${cause && `: ${cause}`}</li>`
}
