// docs/benchmarks.md and its plot, out of what was measured.
import { median, table } from '../kit.js'

const seconds = (ms) => (ms / 1000).toFixed(ms < 10_000 ? 2 : 1)
const size = (count) => `1 + ${count}`
const floorName = 'ssh HOST true, all at once'
const ours = (name) => name.startsWith('provision')
const known = (cell, name) => (cell?.samples[name] ? median(cell.samples[name]) : undefined)

/** `cells`: one for each size and delay, `{ count, ms, samples: { name: [ms …] } }`; `thousand` as thousand.js says. */
export function page(cells, thousand) {
  const sizes = [...new Set(cells.map(({ count }) => count))]
  const delays = [...new Set(cells.map(({ ms }) => ms))]
  const cell = (count, ms) => cells.find((one) => one.count === count && one.ms === ms)
  return [
    '# How fast, beside what',
    '',
    'Made by `npm run bench -- fleet --write`. All lab machines share these cores with what calls them, and so most of what is',
    'measured is their own work. Medians; compare rows of one table, which was measured in one go, never those of two.',
    '',
    '- The floor is `ssh HOST true` for every host, all at once: no look at anything, no proof.',
    '- By hand: [a script](../bench/fleet/by-hand.sh) over connections that ControlMaster has kept open; it is spared every login but those through the forwards.',
    '- Ansible: [the same work](../bench/fleet/ansible/site.yml), tuned: pipelining, ControlPersist, 50 forks, no facts. With 20',
    '  machines and a delay on so few cores it lost its connections, with 100 it was not run, nor anything with a delay there.',
    '- `verify` and a run prove every forward by a login through it; `--check` only looks.',
    '- The delay is one way, between the admin machine and everything else: a round trip takes twice as long.',
    '',
    '![Seconds of each contender](benchmarks.svg)',
    '',
    ...sizes.flatMap((count) => [
      `## ${size(count)} ${count === 1 ? 'device' : 'devices'}`,
      '',
      sizeTable(delays.map((ms) => cell(count, ms)).filter(Boolean)),
      '',
    ]),
    '## A thousand hosts',
    '',
    ...thousandText(thousand),
    '## Targets',
    '',
    table(['target', 'measured', ''], targets(cell, thousand)),
    '',
  ].join('\n')
}

function sizeTable(cells) {
  const names = [...new Set(cells.flatMap(({ samples }) => Object.keys(samples)))].filter((name) => name !== 'wire')
  const head = ['', 'runs', ...cells.flatMap(({ ms }) => [`${ms} ms: s`, '× ssh'])]
  const rows = names.map((name) => [
    ours(name) ? `**${name}**` : name,
    String(cells[0].samples[name]?.length ?? '–'),
    ...cells.flatMap((cell) => {
      const ms = known(cell, name)
      return ms === undefined ? ['–', '–'] : [seconds(ms), (ms / known(cell, floorName)).toFixed(1)]
    }),
  ])
  const [{ at, note, samples }] = cells
  const { connections, execs } = samples.wire
  const measured = `Measured ${at}${note ? `; ${note}` : ''}.`
  return `${table(head, rows)}\n\n${measured} A run that has nothing to do: ${connections} connections, ${execs} execs.`
}

function thousandText(thousand) {
  if (!thousand) return ['Not measured in this run.', '']
  const rows = thousand.rows.map(({ what, ms, cpuMs, memory }) => [
    what,
    seconds(ms),
    seconds(cpuMs),
    `${Math.round(memory / 1e6)} MB`,
  ])
  return [
    `${thousand.count} hosts, ${thousand.count} addresses, served by ${thousand.machines} lab machines on the same two cores.`,
    `Measured ${thousand.at}.`,
    '',
    table(['', 's', 'of it on the CPU, provision itself, s', 'most memory'], rows),
    '',
  ]
}

function targets(cell, thousand) {
  const verdict = (good, reason) => (good ? 'reached' : `**missed**: ${reason}`)
  const [noop, floor] = ['provision, nothing to do', floorName]
  const rows = []
  const twenty = cell(20, 0)
  if (twenty) {
    const times = known(twenty, noop) / known(twenty, floor)
    rows.push([
      '1 + 20, nothing to do: within 2 × of the floor',
      `${times.toFixed(1)} ×`,
      verdict(times <= 2, 'a run looks at every host and logs in twice to each, the second time through its forward'),
    ])
    const ansible = known(twenty, 'Ansible, nothing to do')
    if (ansible !== undefined)
      rows.push([
        '1 + 20, nothing to do: 20 × ahead of tuned Ansible',
        `${(ansible / known(twenty, noop)).toFixed(1)} ×`,
        verdict(ansible / known(twenty, noop) >= 20, 'the machines answer on the two cores that both work on'),
      ])
  }
  const trips = (name) => (known(cell(1, 50), name) - known(cell(1, 0), name)) / 100
  if (cell(1, 50) && cell(1, 0)) {
    for (const [mine, theirs] of [
      ['provision --check, nothing to do', floor],
      [noop, 'ssh through the forward'],
    ])
      rows.push([
        `round trips of \`${mine}\`: those of \`${theirs}\` and two`,
        `${trips(mine).toFixed(1)} and ${trips(theirs).toFixed(1)}`,
        verdict(trips(mine) <= trips(theirs) + 2.5, 'see the tables'),
      ])
  }
  for (const { what, ms, memory } of thousand?.rows ?? [])
    rows.push(
      [`${what}: under 60 s`, `${seconds(ms)} s`, verdict(ms < 60_000, 'two cores serve all these logins, too')],
      [
        `${what}: under 250 MB`,
        `${Math.round(memory / 1e6)} MB`,
        verdict(memory < 250e6, 'Node collects late, and the figure varies from run to run'),
      ],
    )
  return rows
}

/** Bars on a scale of powers of ten; a picture that is read without colour, too. */
export function plot(cells) {
  const chosen = [
    [floorName, 'ssh HOST true', '#999999'],
    ['by hand over open connections, nothing to do', 'by hand, no-op', '#bbbbbb'],
    ['provision, nothing to do', 'provision, no-op', '#1f6feb'],
    ['provision, one changed file on every host', 'provision, one file', '#54a0ff'],
    ['provision, first run', 'provision, first run', '#9dc8ff'],
    ['Ansible, nothing to do', 'Ansible, no-op', '#d1242f'],
    ['Ansible, one changed file on every host', 'Ansible, one file', '#e5737b'],
    ['Ansible, first run', 'Ansible, first run', '#f2b8bc'],
  ]
  const [left, width, bar] = [150, 560, 14]
  const values = cells.flatMap((cell) => chosen.map(([name]) => known(cell, name)).filter((ms) => ms !== undefined))
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  const x = (ms) => left + ((Math.log10(ms) - low) / (high - low)) * width
  const parts = []
  let y = 30
  for (const cell of cells) {
    parts.push(`<text x="8" y="${y + 11}" font-weight="bold">${size(cell.count)}, ${cell.ms} ms</text>`)
    y += 20
    for (const [name, label, colour] of chosen) {
      const ms = known(cell, name)
      if (ms === undefined) continue
      parts.push(
        `<text x="${left - 6}" y="${y + 11}" text-anchor="end">${label}</text>`,
        `<rect x="${left}" y="${y + 1}" width="${(x(ms) - left).toFixed(1)}" height="${bar - 2}" fill="${colour}"/>`,
        `<text x="${(x(ms) + 4).toFixed(1)}" y="${y + 11}">${seconds(ms)} s</text>`,
      )
      y += bar + 2
    }
    y += 10
  }
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)).map(
    (ms) =>
      `<path d="M${x(ms)} 24V${y}" stroke="#dddddd"/><text x="${x(ms)}" y="18" text-anchor="middle">${ms / 1000} s</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 70}" height="${y + 10}" font-family="sans-serif" font-size="11">`,
    '<title>Seconds of each contender, by number of devices and delay</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...ticks,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
