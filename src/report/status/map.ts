import { type Html, html } from '../html.ts'
import type { ForwardState } from '../report.ts'
import type { ForwardStatus, GatewayStatus, StatusReport } from './status.ts'
import { age, order, runs, summary } from './words.ts'

/**
 * The map: gateways, devices, and a line for each forward. What colour says, the shape of a device's mark, the dashes
 * of a line and the word beside them say, too. Drawn twice, for a wide page and for a phone; the style shows one of
 * them.
 */
export function statusMap(report: StatusReport): Html {
  return html`${wide(report)}${narrow(report)}`
}

interface DeviceOnMap {
  readonly name: string
  readonly forwards: readonly ForwardStatus[]
  /** The worst of its forwards. */
  readonly state: ForwardState
  readonly words: string
}

function devicesOf(report: StatusReport, forwards: readonly ForwardStatus[]): DeviceOnMap[] {
  return [...new Set(forwards.map(({ device }) => device))].map((name) => {
    const own = forwards.filter(({ device }) => device === name)
    const worst = own.reduce((a, b) => (order.indexOf(b.state) < order.indexOf(a.state) ? b : a))
    const answering = own.filter(({ state }) => state === 'ok').length
    const since = age(worst.since, report)
    const count = answering > 0 && answering < own.length ? `${own.length - answering} of ${own.length} ` : ''
    return { name, forwards: own, state: worst.state, words: `${count}${worst.state}${since ? `, ${since}` : ''}` }
  })
}

/** Characters, where the state may stand on the same line. */
const roomFor = ({ state, words }: DeviceOnMap, one: boolean) => (one && state !== 'ok' ? 40 - words.length : 40)

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

/** Devices left and right, gateways in the middle. */
function wide(report: StatusReport): Html {
  const devices = devicesOf(report, report.forwards)
  const { gateways } = report
  const pitch = devices.length > 14 ? 26 : 46
  const onLeft = devices.length === 1 ? 0 : Math.floor(devices.length / 2)
  const rows = Math.max(onLeft, devices.length - onLeft)
  const height = Math.max(rows * pitch, gateways.length * 100, 64) + 24
  const spots = devices.map((device, index) => {
    const left = index < onLeft
    const [own, at] = left ? [onLeft, index] : [devices.length - onLeft, index - onLeft]
    return { device, left, x: left ? 320 : 680, y: height / 2 + (at - (own - 1) / 2) * pitch }
  })
  const boxes = gateways.map((gateway, index) => {
    const lines = report.forwards.filter((forward) => forward.gateway === gateway.name).length
    const tall = Math.min(Math.max(64, (lines / 2) * 7), (height / gateways.length) * 0.8)
    return { gateway, y: (height * (index + 0.5)) / gateways.length, tall }
  })
  const lines = boxes.flatMap(({ gateway, y, tall }) =>
    [true, false].flatMap((left) => {
      const ends = spots.flatMap((spot) =>
        spot.left === left
          ? spot.device.forwards
              .filter((forward) => forward.gateway === gateway.name)
              .map((forward) => ({ spot, forward }))
          : [],
      )
      return ends.map(({ spot, forward }, index) => {
        const siblings = spot.device.forwards
        const from = spot.y + (siblings.indexOf(forward) - (siblings.length - 1) / 2) * 4
        const to = y + (ends.length === 1 ? 0 : (index / (ends.length - 1) - 0.5) * (tall - 24))
        const [start, end] = left ? [spot.x + 9, 400] : [spot.x - 9, 600]
        const bend = (start + end) / 2
        return wire(forward, `M${start} ${round(from)}C${bend} ${round(from)} ${bend} ${round(to)} ${end} ${round(to)}`)
      })
    }),
  )
  return html`<svg class="map wide" viewBox="${onLeft === 0 ? 150 : 0} 0 1000 ${round(height)}" role="img" aria-label="Map: ${summary(report)}">
${lines}
${boxes.map(({ gateway, y, tall }) => gatewayBox(gateway, report, { x: 400, y: y - tall / 2, width: 200, height: tall }))}
${spots.map(({ device, left, x, y }) => {
  const anchor = left ? 'end' : 'start'
  const at = left ? x - 18 : x + 18
  const one = pitch < 40
  return html`<g class="device ${device.state}"><title>${device.name}: ${device.words}</title>${mark(device.state, x, y)}
<text class="name" x="${at}" y="${round(one ? y + 4.5 : y - 2)}" text-anchor="${anchor}">${cut(device.name, roomFor(device, one))}${one && device.state !== 'ok' && html` <tspan class="state">${device.words}</tspan>`}</text>${
    !one &&
    html`
<text class="state" x="${at}" y="${round(y + 14)}" text-anchor="${anchor}">${device.words}</text>`
  }</g>
`
})}</svg>`
}

/** A tree below each gateway; in two columns where there are many. */
function narrow(report: StatusReport): Html {
  let y = 4
  const parts = report.gateways.map((gateway) => {
    const devices = devicesOf(
      report,
      report.forwards.filter((forward) => forward.gateway === gateway.name),
    )
    const columns = devices.length > 20 ? 2 : 1
    const each = Math.ceil(devices.length / columns)
    const pitch = columns === 2 ? 24 : 38
    const top = y
    const first = top + 52 + pitch / 2 + 4
    const bottom = first + (each - 1) * pitch
    y = bottom + pitch / 2 + 8
    const trunks = Array.from({ length: columns }, (_, column) => {
      const last = Math.min(each, devices.length - column * each)
      return html`<path class="trunk" d="M${trunkOf(column)} ${top + 52}V${first + (last - 1) * pitch - 9}"/>
`
    })
    const branches = devices.map((device, index) => {
      const trunk = trunkOf(Math.floor(index / each))
      const at = first + (index % each) * pitch
      const lines = device.forwards.map((forward, n) =>
        wire(forward, `M${trunk} ${at - 10 - n * 3}Q${trunk} ${at} ${trunk + 10} ${at}H${trunk + 14}`),
      )
      const x = trunk + 38
      const label =
        columns === 2
          ? html`<text class="name" x="${x}" y="${at + 4}">${cut(shortName(device.name), 18)}</text>`
          : html`<text class="name" x="${x}" y="${at - 2}">${cut(device.name, 38)}</text><text class="state" x="${x}" y="${at + 13}">${device.words}</text>`
      return html`${lines}<g class="device ${device.state}"><title>${device.name}: ${device.words}</title>${mark(device.state, trunk + 23, at)}${label}</g>
`
    })
    return html`${trunks}${branches}${gatewayBox(gateway, report, { x: 4, y: top, width: 352, height: 52 })}
`
  })
  return html`<svg class="map narrow" viewBox="0 0 360 ${Math.ceil(y)}" role="img" aria-label="Map: ${summary(report)}">
${parts}</svg>`
}

const trunkOf = (column: number) => 20 + column * 176
const shortName = (name: string) => name.replace(/\..*/, '')
const round = (value: number) => Math.round(value * 10) / 10

function wire({ state, device, bindAddress, port }: ForwardStatus, path: string): Html {
  return html`<path class="wire ${state}" d="${path}"><title>${device}, ${bindAddress} port ${port}: ${state}</title></path>
`
}

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function gatewayBox(gateway: GatewayStatus, report: StatusReport, box: Box): Html {
  const up = age(gateway.since, report)
  const sshd = runs({ ...(gateway.runsOn?.sshd && { sshd: gateway.runsOn.sshd }) })
  const words = gateway.state === 'unreachable' ? 'unreachable' : [sshd, up && `up ${up}`].filter(Boolean).join(', ')
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  return html`<g class="gateway ${gateway.state}"><title>${gateway.name}: ${gateway.state}</title><rect x="${box.x}" y="${round(box.y)}" width="${box.width}" height="${round(box.height)}" rx="10"/>
<text class="name" x="${x}" y="${round(y - 3)}" text-anchor="middle">${cut(gateway.name, box.width > 300 ? 40 : 24)}</text><text class="state" x="${x}" y="${round(y + 14)}" text-anchor="middle">${cut(words, box.width > 300 ? 46 : 27)}</text></g>
`
}

/** A shape of its own for each state, 14 wide. */
export function mark(state: ForwardState, x = 8, y = 8): Html {
  return html`<g class="mark ${state}" transform="translate(${x} ${round(y)})">${shapes[state]}</g>`
}

const shapes: Readonly<Record<ForwardState, Html>> = {
  ok: html`<circle r="7"/><path d="M-3.2 .2L-.8 2.7 3.4-2.4"/>`,
  'no-tunnel': html`<circle r="7"/><path d="M-2.6-2.6L2.6 2.6M2.6-2.6L-2.6 2.6"/>`,
  stale: html`<circle r="7"/><path d="M0-4V0L2.6 2"/>`,
  'device-sshd-down': html`<rect x="-6.5" y="-6.5" width="13" height="13" rx="2.5"/><path d="M-3 0H3"/>`,
  'wrong-device': html`<path class="body" d="M0-7.5L7.5 6H-7.5Z"/><path d="M0-2.6V1.6M0 3.7V3.9"/>`,
  unverified: html`<circle class="hollow" r="6"/><path class="question" d="M-1.9-1.6C-1.9-3.9 2-3.9 2-1.5 2 .1 0 0 0 1.4M0 3.4V3.5"/>`,
}
