// npm run bench [-- --write]: how long provision takes on lab machines, beside what else could do the same. Needs root on
// Linux, as the lab does. Figures mean something only beside others of the same run; --write keeps them in bench/results.md.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Node 20 reads such a file at every start, for 30 ms and more: a matter of the machine, not of what is measured here.
delete process.env.NODE_EXTRA_CA_CERTS

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'bin/provision.js')
const self = fileURLToPath(import.meta.url)
const gateway = 'ssh-gw.guest.internal'
const rounds = 7

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const say = (line) => process.stderr.write(`bench: ${line}\n`)

/** Milliseconds until all of these commands have ended, all begun at once. @throws when one fails */
async function time(...commands) {
  const began = performance.now()
  await Promise.all(
    commands.map(
      ([program, words, options = {}]) =>
        new Promise((resolve, reject) => {
          const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
          let said = ''
          const hear = (text) => {
            said += text
          }
          child.stdout.on('data', hear)
          child.stderr.on('data', hear)
          child.once('error', reject)
          child.once('close', (code) =>
            code === 0 ? resolve() : reject(new Error(`${program} ${words[0]}: ${code}: ${said.slice(-2000)}`)),
          )
        }),
    ),
  )
  return performance.now() - began
}

function inventoryOf(count) {
  const name = (n) => `device${String(n).padStart(2, '0')}.lan.internal`
  const devices = Array.from({ length: count }, (_, n) => [
    name(n + 1),
    { forwards: [`127.0.0.1:${9001 + n}:localhost:22`] },
  ])
  return { login: { user: 'user001' }, gateways: { [gateway]: {} }, devices: Object.fromEntries(devices) }
}

// ---- on the admin machine: `lab run INVENTORY -- node run.js inside WHAT COUNT FOLDER`

async function inside(what, count, folder) {
  const inventory = join(folder, 'inventory.json')
  const devices = Object.keys(inventoryOf(count).devices)
  const provision = (...words) => [process.execPath, [bin, ...words]]
  const ssh = (name) => ['ssh', ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', name, 'true']]
  const byHand = [
    'sh',
    [
      join(root, 'bench/by-hand.sh'),
      mkdirOf(folder, 'by-hand'),
      gateway,
      ...devices.map((name, n) => `${name}:${9001 + n}`),
    ],
  ]
  const env = {
    ...process.env,
    ANSIBLE_CONFIG: join(root, 'bench/ansible/ansible.cfg'),
    ANSIBLE_HOME: mkdirOf(folder, 'ansible'),
  }
  const ansible = [
    'ansible-playbook',
    ['-i', hostsFile(folder, devices), join(root, 'bench/ansible/site.yml')],
    { env },
  ]
  const samples = {}
  const sample = async (name, ...commands) => {
    samples[name] = [...(samples[name] ?? []), await time(...commands)]
  }
  if (what === 'first') await sample('first run', provision(inventory))
  if (what === 'ansible-first') await sample('Ansible, first run', ansible)
  if (what === 'second') {
    await time(byHand)
    for (let round = 0; round < rounds; round++) {
      await sample('ssh HOST true, all at once', ...[gateway, ...devices].map(ssh))
      await sample('second run', provision(inventory))
      await sample('--check', provision(inventory, '--check'))
      await sample('verify', provision('verify', inventory))
      await sample('by hand, connections kept open', byHand)
    }
    samples.wire = JSON.parse(
      execFileSync(process.execPath, [bin, inventory, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] }),
    ).wire
  }
  if (what === 'ansible-second')
    for (let round = 0; round < rounds; round++) await sample('Ansible, second run', ansible)
  process.stdout.write(JSON.stringify(samples))
}

function mkdirOf(folder, name) {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

function hostsFile(folder, devices) {
  const rows = devices.map((name, n) => `${name} tunnel_port=${9001 + n}`)
  const path = join(folder, 'hosts.ini')
  writeFileSync(path, ['[gateways]', gateway, '[devices]', ...rows, ''].join('\n'))
  return path
}

// ---- here: labs come and go

const open = new Set()

function lab(words, options = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'lab', ...words], {
    encoding: 'utf8',
    maxBuffer: 1e8,
    ...options,
  })
  if (status !== 0) throw new Error(`provision lab ${words.join(' ')}: ${stderr || stdout || status}`)
  return stdout
}

function withLab(folder, work) {
  const inventory = join(folder, 'inventory.json')
  open.add(inventory)
  lab(['up', inventory])
  try {
    return work((what, count) =>
      JSON.parse(lab(['run', inventory, '--', process.execPath, self, 'inside', what, String(count), folder])),
    )
  } finally {
    lab(['down', inventory])
    open.delete(inventory)
  }
}

/** Ansible needs Python on its hosts, which lab machines lack: they get Debian's own, unpacked beside what they have. */
function python(folder) {
  if (spawnSync('ansible-playbook', ['--version']).status !== 0) return undefined
  const rows = execFileSync('apt-get', ['indextargets', '--format', '$(ORIGIN) $(LABEL) $(REPO_URI)'], {
    encoding: 'utf8',
  })
  const mirror = /^Debian Debian (\S+)$/m.exec(rows)?.[1]
  const tar = join(folder, 'python.tar')
  const words = [
    '--quiet',
    '--mode=root',
    '--variant=extract',
    '--include=python3',
    'trixie',
    tar,
    `deb ${mirror} trixie main`,
  ]
  return spawnSync('mmdebstrap', words, { stdio: 'ignore' }).status === 0 ? tar : undefined
}

function givePython(tar, folder, count) {
  for (const name of [gateway, ...Object.keys(inventoryOf(count).devices)]) {
    const unpack = ['tar', '-x', '-C', '/', '--skip-old-files', '--wildcards', './usr/bin/python3*', './usr/lib/*']
    lab(['exec', join(folder, 'inventory.json'), name, '--', ...unpack], { stdio: [openSync(tar), 'pipe', 'pipe'] })
  }
}

function merge(all, more) {
  for (const [name, values] of Object.entries(more))
    all[name] = Array.isArray(values) ? [...(all[name] ?? []), ...values] : values
  return all
}

function measure(count, firsts, tar, top) {
  const folder = mkdirOf(top, `1+${count}`)
  writeFileSync(join(folder, 'inventory.json'), JSON.stringify(inventoryOf(count)))
  const samples = {}
  for (let n = 0; n < firsts; n++) {
    withLab(folder, (work) => {
      say(`1 + ${count}: first run, ${n + 1} of ${firsts}`)
      merge(samples, work('first', count))
      if (n + 1 < firsts) return
      say(`1 + ${count}: what comes after`)
      merge(samples, work('second', count))
    })
  }
  if (tar)
    withLab(folder, (work) => {
      say(`1 + ${count}: Ansible`)
      givePython(tar, folder, count)
      merge(samples, work('ansible-first', count))
      merge(samples, work('ansible-second', count))
    })
  return samples
}

function table(count, samples) {
  const floor = median(samples['ssh HOST true, all at once'])
  const seconds = (ms) => (ms / 1000).toFixed(2)
  const rows = Object.entries(samples)
    .filter(([, values]) => Array.isArray(values))
    .map(
      ([name, values]) =>
        `| ${name} | ${values.length} | ${seconds(median(values))} | ${seconds(Math.min(...values))}–${seconds(Math.max(...values))} | ${(median(values) / floor).toFixed(1)} |`,
    )
  return [
    `### 1 gateway + ${count} ${count === 1 ? 'device' : 'devices'}`,
    '',
    '| what | runs | median, s | from–to, s | × ssh |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `A second run: ${samples.wire.connections} connections, ${samples.wire.execs} execs on ${count + 1} hosts and through ${count} ${count === 1 ? 'forward' : 'forwards'}.`,
    '',
  ].join('\n')
}

async function main() {
  const top = mkdtempSync(join(tmpdir(), 'provision-bench-'))
  const clean = () => {
    for (const inventory of open) spawnSync(process.execPath, [bin, 'lab', 'down', inventory])
    rmSync(top, { recursive: true, force: true })
  }
  const stop = () => {
    clean()
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)
  try {
    const starts = {}
    for (const word of ['--version', '--help']) {
      starts[word] = []
      for (let n = 0; n < rounds; n++) starts[word].push(await time([process.execPath, [bin, word]]))
    }
    const tar = python(top)
    if (!tar) say('ansible-playbook is not installed (apt-get install ansible-core): skipped')
    const text = [
      `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}; all machines share these cores with what calls them.`,
      '',
      table(1, measure(1, 3, tar, top)),
      // Ansible is left out here: with two cores for twenty machines it would measure the machines.
      table(20, measure(20, 1, undefined, top)),
      `Starting: ${Object.entries(starts)
        .map(([word, values]) => `\`provision ${word}\` ${Math.round(median(values))} ms`)
        .join(', ')} (medians of ${rounds}).`,
      '',
    ].join('\n')
    process.stdout.write(text)
    if (process.argv.includes('--write')) {
      const head = '# Bench\n\nMade by `npm run bench -- --write`. Compare rows of one run, never rows of two.\n\n'
      writeFileSync(join(root, 'bench/results.md'), head + text)
    }
  } finally {
    clean()
  }
}

if (process.argv[2] === 'inside') {
  const [what, count, folder] = process.argv.slice(3)
  await inside(what, Number(count), folder)
} else if (!existsSync(join(root, 'dist/cli.js'))) {
  say('there is no dist/: npm run build')
  process.exitCode = 2
} else await main()
