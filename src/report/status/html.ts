import { printListener } from '../../inventory/forward.ts'
import { type Html, html } from '../html.ts'
import { pageClock, pageClockDigest } from './clock.ts'
import { mark, statusMap } from './map.ts'
import type { ForwardStatus, GatewayStatus, StatusReport } from './status.ts'
import { style } from './style.ts'
import { age, meaning, order, promise, proved, runs, summary, troubles, worstFirst } from './words.ts'

export interface PageOptions {
  /** Seconds after which a browser should fetch the page again. */
  readonly refresh?: number
}

/** The status as one page that needs nothing else: no program, no font, no picture from anywhere. */
export function statusPage(report: StatusReport, { refresh }: PageOptions = {}): string {
  const forwards = worstFirst(report.forwards)
  const whole = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '${pageClockDigest}'">
${
  refresh !== undefined &&
  html`<meta http-equiv="refresh" content="${refresh}">
`
}<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='4' fill='%23${report.exitCode === 0 ? '12805c' : 'c4314b'}'/%3E%3C/svg%3E">
<title>${summary(report)} · ${report.inventory}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${summary(report)}</h1>
<p class="meta"><span>${report.inventory}</span> <span>looked at <time datetime="${report.at}">${when(report.at)}</time></span></p>
${
  forwards.length > 0 &&
  html`${bar(report)}
<ul class="counts">${counts(report)}</ul>`
}
</header>
<main>
${report.gateways.some(({ error }) => error) && html`<section class="alerts" aria-label="Gateways">${report.gateways.map(alert)}</section>`}
${
  forwards.length > 0 &&
  html`<section class="card" aria-labelledby="map"><h2 id="map">Map</h2>
${statusMap(report)}
</section>
<section class="card" aria-labelledby="forwards"><h2 id="forwards">Forwards</h2>
<div class="scroll"><table role="table">
<thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr></thead>
${forwards.map((forward) => row(forward, report))}</table></div>
<p class="note">Back within: seconds after a power cut, and after a silent link.</p>
</section>`
}
${report.without.length > 0 && html`<p class="note">Without a forward: ${report.without.join(', ')}</p>`}
</main>
<script>${pageClock}</script>
</body>
</html>
`
  return whole.text
}

/** `24 Nov 2026, 10:05:12 UTC`: as it stands until `pageClock` has made it the reader's time. */
function when(at: string): string {
  const date = new Date(at)
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getUTCMonth()]
  return `${date.getUTCDate()} ${month} ${date.getUTCFullYear()}, ${at.slice(11, 19)} UTC`
}

const count = ({ forwards }: StatusReport, state: string) =>
  forwards.filter((forward) => forward.state === state).length

const present = (report: StatusReport) => order.toReversed().filter((state) => count(report, state) > 0)

/** How much of all is how; the list below it says the same in words. */
function bar(report: StatusReport): Html {
  return html`<div class="bar" aria-hidden="true">${present(report).map(
    (state) => html`<span class="${state}" style="flex-grow:${count(report, state)}"></span>`,
  )}</div>`
}

function counts(report: StatusReport): Html[] {
  return present(report).map(
    (state) =>
      html`<li class="${state}">${icon(state)}<b>${count(report, state)}</b> ${state} <span>${meaning[state]}</span></li>`,
  )
}

const icon = (state: ForwardStatus['state']) =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${mark(state)}</svg>`

function alert({ name, state, error }: GatewayStatus): Html {
  if (!error) return html``
  return html`<div class="alert"><b>${name} is ${state}</b><p>${error.message}</p>${error.hint && html`<p>${error.hint}</p>`}</div>
`
}

const heads = ['Device', 'State', 'Since', 'Last proof', 'Port', 'From', 'Back within', 'Runs on']

function row(forward: ForwardStatus, report: StatusReport): Html {
  const cell = (label: string, value: Html | string | undefined, kind = '') =>
    html`<td role="cell" class="${kind}" data-label="${label}">${value ?? html`<span class="none">–</span>`}</td>`
  const exact = (time: string | undefined) =>
    time === undefined ? undefined : html`<time datetime="${time}" title="${when(time)}">${age(time, report)}</time>`
  const words = troubles(forward, report)
  return html`<tbody role="rowgroup" class="${forward.state}"><tr role="row"><th role="rowheader" scope="row">${forward.device}</th>${[
    cell('State', html`<span class="pill ${forward.state}">${icon(forward.state)}${forward.state}</span>`, 'is'),
    cell('Since', exact(forward.since)),
    cell('Last proof', proved(forward, report)),
    cell('Port', html`<code>${printListener(forward)}</code> <span>on ${forward.gateway}</span>`, 'long'),
    cell('From', forward.session?.from && html`<code>${forward.session.from}</code>`),
    cell('Back within', promise(forward)),
    cell('Runs on', runs(forward.runsOn) || undefined, 'long'),
  ]}</tr>${
    (words.length > 0 || forward.next !== undefined) &&
    html`
<tr role="row" class="more"><td role="cell" colspan="${heads.length}">${words.map((line) => html`<p>${line}</p>`)}${
      forward.next !== undefined && html`<p>next: <code>${forward.next}</code></p>`
    }</td></tr>`
  }</tbody>
`
}
