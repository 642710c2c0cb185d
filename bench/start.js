// npm run bench -- start: how soon the command line answers, beside Node itself that does nothing. No machine is needed, but
// a quiet one: the least of many runs counts, for whatever else happens only makes one slower.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../bin/provision.js', import.meta.url))
const inventory = fileURLToPath(new URL('../inventory/examples/guest-lan.json', import.meta.url))
const lines = {
  'node, doing nothing': ['-e', '0'],
  'provision --version': [program, '--version'],
  'provision --help': [program, '--help'],
  'provision help apply': [program, 'help', 'apply'],
  'completion of a command': [program, 'complete', 'bash', 've'],
  'completion of a device': [program, 'complete', 'bash', 'doctor', inventory, 'h'],
  'provision schema FILE': [program, 'schema', inventory],
}

function milliseconds(words) {
  const begun = performance.now()
  const { status } = spawnSync(process.execPath, words, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${words.join(' ')}: exit code ${status}`)
  return performance.now() - begun
}

const ROUNDS = 40
const least = Object.fromEntries(Object.keys(lines).map((name) => [name, Number.POSITIVE_INFINITY]))
for (let round = 0; round < ROUNDS; round += 1)
  for (const [name, words] of Object.entries(lines)) least[name] = Math.min(least[name], milliseconds(words))

const bare = least['node, doing nothing']
process.stdout.write(`Node ${process.versions.node}, the least of ${ROUNDS} runs\n`)
for (const [name, ms] of Object.entries(least))
  process.stdout.write(
    `${name.padEnd(24)} ${ms.toFixed(0).padStart(4)} ms  ${`+${(ms - bare).toFixed(0)}`.padStart(4)}\n`,
  )
