// npm run bench -- watch [--write]: what `provision watch` needs for a thousand devices at which nothing happens.
import { spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { thousandForwards, withThousand } from './fleet/thousand.js'
import { bin, machine, root, say, table } from './kit.js'

/** Seconds: while nothing is proved, and while all are proved again, from when on the first of them are due. */
const [quietSeconds, againSeconds, againFrom] = [180, 240, 780]

/** Of a process: milliseconds on the CPU, memory in MB, most memory in MB. */
function cost(pid) {
  const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024)
  return { cpuMs: (Number(user) + Number(system)) * 10, memory: mb('VmRSS'), most: mb('VmHWM') }
}

/** The watcher itself, below the command that starts it in the lab. */
function watcherOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  const words = (one) => readFileSync(`/proc/${one}/cmdline`, 'utf8').split('\0')
  const found = children.find((one) => words(one).includes('watch'))
  return words(pid)[1]?.endsWith('provision.js') && !words(pid).includes('lab') ? pid : found && watcherOf(found)
}

/** The share of one core that it takes in so many seconds. */
async function share(pid, seconds) {
  const before = cost(pid)
  await wait(seconds * 1000)
  return `${((cost(pid).cpuMs - before.cpuMs) / seconds / 10).toFixed(2)} %`
}

await withThousand(async (lab) => {
  const { file, folder } = lab
  const state = join(folder, 'state')
  const words = ['watch', thousandForwards(lab), '--state', state, '--verbose']
  // What the inventory pins counts, and not the lab's own pins, which know no device of these names.
  const all = [bin, 'lab', 'run', file, '--', 'env', 'PROVISION_KNOWN_HOSTS=', process.execPath, bin, ...words]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'inherit', 'pipe'] })
  const began = performance.now()
  const proved = new Set()
  child.stderr.setEncoding('utf8').on('data', (text) => {
    for (const [, name] of text.matchAll(/seen (device\d+)\S*, .*: ok$/gm)) proved.add(name)
  })
  while (proved.size < 1000 && performance.now() - began < 600_000) await wait(1000)
  if (proved.size < 1000) throw new Error(`only ${proved.size} devices were proved in ten minutes`)
  const pid = watcherOf(child.pid)
  const first = cost(pid)
  say('all were proved')
  await wait(5000)
  const quiet = await share(pid, quietSeconds)
  await wait(Math.max(0, againFrom * 1000 - (performance.now() - began)))
  say('they are proved again')
  const busy = await share(pid, againSeconds)
  const { memory, most } = cost(pid)
  const record = statSync(join(state, 'record.jsonl')).size
  process.kill(Number(pid), 'SIGTERM')
  await new Promise((done) => child.once('exit', done))
  const text = [
    '# A thousand devices, watched',
    '',
    `Made by \`npm run bench -- watch --write\`: 1,000 forwards of 4 lab machines on the same cores, at which nothing happens. ${machine}.`,
    '',
    table(
      [
        'of one core, while it looks',
        'while it also proves two forwards in a second',
        'memory',
        'most memory',
        'CPU until all were proved once',
        'record',
      ],
      [[quiet, busy, `${memory} MB`, `${most} MB`, `${(first.cpuMs / 1000).toFixed(1)} s`, `${record} B`]],
    ),
    '',
  ].join('\n')
  process.stdout.write(text)
  if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/watch.md'), text)
})
