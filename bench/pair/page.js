// The part of docs/benchmarks.md about one gateway and one device, out of what was measured.
import { median, table } from '../kit.js'

const title = '## One gateway, one device, side by side'
const seconds = (ms) => (ms / 1000).toFixed(ms < 10_000 ? 2 : 1)
export const whats = { first: 'first run', again: 'nothing to do', check: 'check' }
export const conditions = {
  lan: 'LAN',
  far: '50 ms',
  small: 'a device with 4 % of a core',
  bad: 'a bad link',
}
const peers = ['by hand', 'two execs', 'provision', 'Ansible', 'Mitogen']

/** `cells`: { condition, what, peer, ms: […], connections, execs, kib, processes: { gateway, device } }. */
export function section(cells) {
  const cell = (condition, what, peer) =>
    cells.find((one) => one.condition === condition && one.what === what && one.peer === peer)
  const known = (condition, what, peer) => {
    const found = cell(condition, what, peer)
    return found && median(found.ms)
  }
  const rows = Object.entries(conditions).flatMap(([condition, name]) =>
    Object.entries(whats).flatMap(([what, words]) => {
      const floor = known(condition, what, 'by hand')
      const ours = known(condition, what, 'provision')
      if (floor === undefined || ours === undefined) return []
      const times = peers.map((peer) => {
        const ms = known(condition, what, peer)
        return ms === undefined ? '–' : seconds(ms)
      })
      return [[`${words}, ${name}`, ...times, `${(ours / floor).toFixed(1)} ×`]]
    }),
  )
  const costs = Object.entries(whats).flatMap(([what, words]) =>
    peers.flatMap((peer) => {
      const found = cell('lan', what, peer)
      if (!found?.processes) return []
      const { connections = '–', execs = '–', kib, processes } = found
      return [[`${words}, ${peer}`, connections, execs, kib, processes.gateway, processes.device].map(String)]
    }),
  )
  return [
    title,
    '',
    'Made by `npm run bench -- pair --write`. All of one row was measured in turns in one go, and every time the tunnel was proved by a',
    `login through it (a check only looks). Medians, in seconds. Measured ${whens(cells)}.`,
    '',
    '- By hand: [a script](../bench/pair/by-hand.sh) that logs in to each host once (ControlMaster) and does the same work there: accounts,',
    '  keys, sshd, a unit, the tunnel. Nothing is undone where it goes wrong.',
    '- Two execs: [the same words](../bench/pair/two-execs.js) over ssh2, the library, in Node.',
    '- Ansible: [the same work](../bench/fleet/ansible/site.yml), tuned: pipelining, ControlPersist, no facts. Mitogen: the same playbook by its strategy.',
    '- 50 ms: one way, between the admin machine and both hosts. A bad link: the device behind 150 ms one way, 6 % loss, 64 kbit/s.',
    '- A device with 4 % of a core: a Raspberry Pi Zero, by a control group.',
    '',
    table(['', ...peers.map((peer) => (peer === 'provision' ? '**provision**' : peer)), 'provision : by hand'], rows),
    '',
    'What it costs, in the LAN: bytes at the network card of the admin machine, both ways; processes as the kernels of the hosts count',
    'them, tunnel and systemd included.',
    '',
    table(['', 'connections', 'execs', 'KiB', 'processes on the gateway', 'on the device'], costs),
    '',
    table(['goal', 'measured', ''], goals(known, cell)),
    '',
  ].join('\n')
}

/** When, and on what. */
function whens(cells) {
  const all = new Map()
  for (const { condition, at } of cells) all.set(at, new Set([...(all.get(at) ?? []), conditions[condition]]))
  return [...all].map(([at, names]) => (all.size === 1 ? at : `${at} (${[...names].join('; ')})`)).join(', and ')
}

function goals(known, cell) {
  const ratio = (condition, what) => known(condition, what, 'provision') / known(condition, what, 'by hand')
  const guarded =
    'three changes: none begins before the one it builds on is kept, or an undo could cut a device off; each has its guard, its look and a login that confirms it'
  const on = (peer) => cell('lan', 'check', peer)?.processes?.device
  const looks = `to look it starts ${on('provision') ?? '?'} processes on the device, the script ${on('by hand') ?? '?'}`
  const wanted = [
    ['first', 'lan', 2, guarded],
    ['first', 'far', 1.5, guarded],
    ['again', 'lan', 1.5, looks],
    ['again', 'far', 1.1, 'it logs in through the forward afresh'],
    ['check', 'lan', 1.3, looks],
    ['check', 'far', 1.3, looks],
  ]
  const rows = wanted.flatMap(([what, condition, most, reason]) => {
    const times = ratio(condition, what)
    if (Number.isNaN(times)) return []
    return [
      row(
        `${whats[what]}, ${conditions[condition]}: at most ${most} × by hand`,
        `${times.toFixed(1)} ×`,
        times <= most,
        reason,
      ),
    ]
  })
  const ansible = known('lan', 'again', 'Ansible') / known('lan', 'again', 'provision')
  if (!Number.isNaN(ansible))
    rows.push(
      row(
        'nothing to do, LAN: 20 × ahead of tuned Ansible',
        `${ansible.toFixed(1)} ×`,
        ansible >= 20,
        `even the script by hand is only ${(known('lan', 'again', 'Ansible') / known('lan', 'again', 'by hand')).toFixed(1)} × ahead`,
      ),
    )
  const kib = cell('lan', 'first', 'provision')?.kib
  if (kib !== undefined)
    rows.push(
      row(
        'first run: at most 80 KiB',
        `${kib} KiB`,
        kib <= 80,
        'six logins alone take about 50 KiB; plan and guard go to a host with each of three changes',
      ),
    )
  const small = known('small', 'first', 'provision')
  if (small !== undefined)
    rows.push(
      row(
        `first run, ${conditions.small}: at most 20 s`,
        `${seconds(small)} s`,
        small <= 20_000,
        'two changes of it, with their logins, guards and looks: see the processes above',
      ),
    )
  return rows
}

const row = (goal, measured, reached, reason) => [goal, measured, reached ? 'reached' : `**missed**: ${reason}`]

/** The page with this part in the place of the one that it has. */
export function withSection(page, text) {
  if (text === '') return page
  const [before = '', rest = ''] = page.split(`${title}\n`)
  const next = rest.indexOf('\n## ')
  if (rest !== '') return `${before}${text}${next < 0 ? '' : rest.slice(next)}`
  const at = page.indexOf('\n## ') + 1
  return `${page.slice(0, at)}${text}\n${page.slice(at)}`
}

/** The part as it stands in the page; empty: it has none. */
export function sectionOf(page) {
  const [, rest] = page.split(`${title}\n`)
  return rest === undefined ? '' : `${title}\n${rest.split('\n## ')[0]}`
}
