// npm run bench -- watch [--write]: what `provision watch` needs for a thousand devices at which nothing happens.
import { spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { thousandForwards, withThousand } from './fleet/thousand.js'
import { bin, machine, root, say, table } from './kit.js'

/** Until all were proved once, and then so long as it is measured. */
const [settleSeconds, restSeconds] = [120, 240]

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

await withThousand(async (lab) => {
  const { file, folder } = lab
  const state = join(folder, 'state')
  const words = ['watch', thousandForwards(lab), '--state', state]
  const env = { ...process.env, PROVISION_KNOWN_HOSTS: '' }
  const all = [bin, 'lab', 'run', file, '--', process.execPath, bin, ...words]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'inherit', 'inherit'], env })
  await wait(settleSeconds * 1000)
  const pid = watcherOf(child.pid)
  const before = cost(pid)
  say('at rest')
  await wait(restSeconds * 1000)
  const after = cost(pid)
  const record = statSync(join(state, 'record.jsonl')).size
  process.kill(Number(pid), 'SIGTERM')
  await new Promise((done) => child.once('exit', done))
  const share = ((after.cpuMs - before.cpuMs) / restSeconds / 10).toFixed(2)
  const first = (before.cpuMs / 1000).toFixed(1)
  const text = [
    '# A thousand devices, watched',
    '',
    `Made by \`npm run bench -- watch --write\`: 1,000 forwards of 4 lab machines on the same cores, ${restSeconds / 60} minutes at which nothing happens. ${machine}.`,
    '',
    table(
      ['of one core, at rest', 'memory', 'most memory', 'CPU until all were proved once', 'record'],
      [[`${share} %`, `${after.memory} MB`, `${after.most} MB`, `${first} s`, `${record} B`]],
    ),
    '',
  ].join('\n')
  process.stdout.write(text)
  if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/watch.md'), text)
})
