// npm run bench -- watch-faults [--write]: how soon `provision watch`, `provision status` and a probe of the port see what
// happens to devices and gateways. --write puts the table into docs/watch.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { machine, root, say, table as tableOf } from './kit.js'
import { load } from './typescript.js'

/** Seconds: how often cron runs `status`, and Prometheus its probe. */
const [cron, scrape] = [300, 30]

const { bench } = await load('test/e2e/watch/bench.ts')
const noticed = await bench(say)

const after = (seconds) => (seconds === undefined ? '**never**' : `${Math.ceil(seconds)} s`)
const atMost = (seconds, every) => (seconds === undefined ? '**never**' : `${Math.ceil(seconds) + every} s`)
const table = [
  tableOf(
    ['what happens', '`watch`', '`status`, each 5 min', 'TCP connect, each 30 s', 'greeting of an sshd, each 30 s'],
    noticed.map(({ fault, watch, status, connect, greeting }) => [
      fault,
      after(watch),
      atMost(status, cron),
      atMost(connect, scrape),
      atMost(greeting, scrape),
    ]),
  ),
  '',
  `One run a row, all at the same time on ${machine}.`,
  '',
].join('\n')
process.stdout.write(table)
say(JSON.stringify(noticed))

if (process.argv.includes('--write')) {
  const page = join(root, 'docs/watch.md')
  const marked = /(<!-- measured: begin -->\n)[\s\S]*(<!-- measured: end -->)/
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(marked, (_, begin, end) => `${begin}\n${table}\n${end}`),
  )
}
