// npm run bench -- pair [--write] [--rounds 3] [--only lan,far,small,bad] [--peers 'provision,by hand,two execs,Ansible,Mitogen']: one gateway and
// one device, beside what a person would write for them: docs/benchmarks.md. A round of all takes about 5 minutes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withDelay, withLink } from './delay.js'
import { devicesOf, gateway, inventoryOf } from './fleet/contenders.js'
import { giveMitogen, givePython, python, timed } from './fleet/lab.js'
import { keepMeasured, measured, today } from './kept.js'
import { during, provision, root, run, say, withLab } from './kit.js'
import { conditions, section, whats, withSection } from './pair/page.js'
import { withShare } from './pair/share.js'

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: Object.keys(conditions).join() },
    peers: { type: 'string', default: 'provision,by hand,two execs,Ansible,Mitogen' },
  },
})
const device = devicesOf(1)[0].name
const peers = values.peers.split(',')
const wanted = values.only.split(',')
/** They do what a playbook of Ansible says. */
const plays = new Set(['Ansible', 'Mitogen'])
const program = fileURLToPath(new URL('processes.pl', import.meta.url))
const within = {
  lan: (_, work) => work(),
  far: (file, work) => withDelay(file, 50, work),
  small: (file, work) => withShare(file, device, 4, work),
  bad: (file, work) => withLink(file, '150/6/64', work, device),
}

const cells = []
function add(condition, what, peer, { ms: exact, ...costs }) {
  const ms = Math.round(exact)
  const found = cells.find((one) => one.condition === condition && one.what === what && one.peer === peer)
  if (found) Object.assign(found, costs, { ms: [...found.ms, ms] })
  else cells.push({ condition, what, peer, at: today(), ms: [ms], ...costs })
}

/** On the admin machine of a lab. */
const timedPair = (file, ...words) =>
  JSON.parse(
    provision(
      'lab',
      'run',
      file,
      '--',
      process.execPath,
      fileURLToPath(new URL('pair/contenders.js', import.meta.url)),
      ...words,
    ),
  )

/** What the work costs hosts and network, beside what it says itself. */
async function counted(file, folder, work) {
  const { id, machines } = JSON.parse(provision('lab', 'status', file, '--json'))
  const hosts = machines.map(({ role, namespace }) => ({
    role,
    pid: leaderIn(namespace),
    log: join(folder, `${role}.processes`),
  }))
  const bytes = () => {
    const [{ stats64 }] = JSON.parse(run('ip', ['-n', `${id}+admin`, '-s', '-j', 'link', 'show', 'eth0']))
    return stats64.rx.bytes + stats64.tx.bytes
  }
  const before = bytes()
  for (const { pid, log } of hosts) {
    writeFileSync(log, '')
    run('perl', [program, 'begin', pid, log])
  }
  const result = await work()
  for (const { pid } of hosts) run('perl', [program, 'end', pid])
  const count = ({ role, log }) => [
    role,
    run('perl', [program, 'count', log])
      .split('\n')
      .reduce((sum, row) => sum + Number.parseInt(row || '0', 10), 0),
  ]
  return { ...result, kib: Math.round((bytes() - before) / 1024), processes: Object.fromEntries(hosts.map(count)) }
}

const leaderIn = (namespace) =>
  run('ip', ['netns', 'pids', namespace])
    .split('\n')
    .find((pid) => pid !== '' && /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))

async function round(condition, peer) {
  await withLab(inventoryOf(1), ({ file, folder }) =>
    within[condition](file, async () => {
      for (const what of ['first', 'again', 'check']) {
        // The first of by hand and of two execs only learns how all is.
        if (what === 'again' && peer !== 'provision') timedPair(file, peer, what, folder)
        const work = () => timedPair(file, peer, what, folder)
        add(condition, what, peer, condition === 'lan' ? await counted(file, folder, work) : work())
      }
    }),
  )
}

async function play(peer, tar, condition, rounds) {
  await withLab(inventoryOf(1), async ({ file, folder }) => {
    givePython(tar, file, [gateway, device])
    if (peer === 'Mitogen') giveMitogen(folder)
    const samples = await within[condition](file, () => timed(file, folder, peer, 1, rounds))
    for (const [what, name] of Object.entries(whats))
      for (const ms of samples[`${peer}, ${name}`]) add(condition, what, peer, { ms })
  })
}

const top = mkdtempSync(join(tmpdir(), 'provision-bench-'))
await during(
  async () => {
    const tar = peers.some((peer) => plays.has(peer)) ? python(top) : undefined
    const rounds = Number(values.rounds)
    for (const condition of wanted) {
      for (let n = 0; n < rounds; n++)
        for (const peer of peers.filter((each) => !plays.has(each))) {
          say(`${conditions[condition]}: ${peer}`)
          await round(condition, peer)
        }
      // Over the others it takes minutes, or loses its connections.
      if (!tar || !['lan', 'far'].includes(condition)) continue
      for (const peer of peers.filter((each) => plays.has(each))) {
        say(`${conditions[condition]}: ${peer}`)
        await play(peer, tar, condition, rounds)
      }
    }
    const { cells: before = [] } = measured('pair')
    const all = [...before.filter(({ condition }) => !wanted.includes(condition)), ...cells]
    const text = section(all)
    process.stdout.write(text)
    if (!values.write) return
    keepMeasured('pair', { cells: all })
    const page = join(root, 'docs/benchmarks.md')
    writeFileSync(page, withSection(readFileSync(page, 'utf8'), text))
  },
  () => rmSync(top, { recursive: true, force: true }),
)
