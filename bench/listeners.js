// npm run bench -- listeners [--write]: what the two listeners cost beside a bare `ssh -R`, on lab machines: 200 MB both
// ways, 50 logins at once, memory on the gateway. Needs root on Linux, as the lab does. One run, one table: compare rows of
// it, never rows of two. --write keeps it in bench/listeners.md.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bin, median, provision, root, run, table, withLab } from './kit.js'

const rounds = 3
const [gateway, plain] = ['gw.guest.internal', 'gw-sshd.guest.internal']
const device = 'host-a.lan.internal'
const forward = (at, port) => ({ gateway: at, port, host: 'localhost', hostPort: 22 })
const doors = { 'bare ssh -R': [plain, 9100], 'listener sshd': [plain, 9022], 'listener socket': [gateway, 9022] }

const seconds = (began) => (performance.now() - began) / 1000

function parallel(count, program, words) {
  const one = () =>
    new Promise((resolve) => spawn(program, words, { stdio: 'ignore' }).once('exit', (code) => resolve(code === 0)))
  return Promise.all(Array.from({ length: count }, one))
}

const lab = {
  login: { user: 'user001' },
  gateways: { [gateway]: {}, [plain]: { listener: 'sshd' } },
  devices: { [device]: { forwards: [forward(gateway, 9022), forward(plain, 9022)] } },
}

async function main({ file, folder, inside }) {
  provision('lab', 'run', file, '--', process.execPath, bin, file, '--quiet')
  const { directory, machines } = JSON.parse(provision('lab', 'status', file, '--json'))
  const namespaceOf = (name) => machines.find((machine) => machine.name === name).namespace
  const identity = join(directory, 'home/.ssh/id_ed25519')
  const options = [
    ...['-F', 'none', '-i', identity, '-o', 'BatchMode=yes', '-o', `HostKeyAlias=${device}`],
    ...['-o', `UserKnownHostsFile=${join(directory, 'known_hosts')}`, '-o', 'StrictHostKeyChecking=yes'],
  ]
  // Else the device's sshd hangs up on some of fifty at once, whatever brought them there.
  inside(device, `echo 'MaxStartups 200' >/etc/ssh/sshd_config.d/00-bench.conf && systemctl reload ssh`)
  // The way most guides show it: as a person, with a person's key.
  run('sh', ['-c', `cp ${identity} "$1/root/key" && chmod 600 "$1/root/key"`, 'sh', rootOf(directory, device)])
  const bare = `-i /root/key -o StrictHostKeyChecking=no -o ExitOnForwardFailure=yes -R 127.0.0.1:9100:localhost:22`
  inside(device, `ssh -F none -f -N ${bare} user001@${plain} 2>/dev/null`)
  run('sh', ['-c', `head -c 200M /dev/urandom >${join(folder, 'big')}`])

  const rows = []
  for (const [name, [at, port]] of Object.entries(doors)) {
    const from = ['netns', 'exec', namespaceOf(at)]
    const copy = (...words) => {
      const began = performance.now()
      run('ip', [...from, 'scp', '-q', '-P', String(port), ...options, ...words])
      return 200 / seconds(began)
    }
    const figures = { up: [], down: [], logins: [], reached: [] }
    for (let round = 0; round < rounds; round++) {
      figures.up.push(copy(join(folder, 'big'), 'user001@127.0.0.1:/tmp/big'))
      figures.down.push(copy('user001@127.0.0.1:/tmp/big', join(folder, 'back')))
      run('cmp', [join(folder, 'big'), join(folder, 'back')])
      const began = performance.now()
      const words = [...from, 'ssh', '-p', String(port), ...options, 'user001@127.0.0.1', 'true']
      const reached = await parallel(50, 'ip', words)
      figures.logins.push(seconds(began))
      figures.reached.push(reached.filter(Boolean).length)
    }
    const [up, down, logins] = [figures.up, figures.down, figures.logins].map(median)
    rows.push([name, up.toFixed(0), down.toFixed(0), logins.toFixed(1), `${Math.min(...figures.reached)} of 50`])
  }
  const memory = (name, users) => inside(name, pss(users)).trim()
  const text = [
    '# The two listeners',
    '',
    `Made by \`npm run bench -- listeners --write\`. Medians of ${rounds}, one run; gateway, device and client share two cores.`,
    '',
    table(['', 'scp to the device, MB/s', 'from it, MB/s', '50 logins at once, s', 'got in, at the least'], rows),
    '',
    `Memory of one tunnel on the gateway (PSS): sshd ${memory(plain, 'tunnel')} kB, with the user manager that PAM starts once for the shared account; socket ${memory(gateway, '^tunnel-')} kB, with the proxy that runs while somebody is connected and for a minute after.`,
    '',
  ].join('\n')
  process.stdout.write(text)
  if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/listeners.md'), text)
}

const rootOf = (directory, name) => join(directory, 'machines', name, 'disk/root')

/** Every process of these accounts, and sshd's own for each of their sessions. */
const pss = (users) => `
for pid in $(ps -eo pid=,user:32=,args= | grep -E ' ${users}|sshd.*: ${users.replace('^', '')}' | grep -v grep | sed 's/^ *//' | cut -d ' ' -f 1); do
  sed -n 's/^Pss: *\\([0-9]*\\).*/\\1/p' /proc/$pid/smaps_rollup 2>/dev/null
done | awk '{ sum += $1 } END { print sum + 0 }'`

await withLab(lab, main)
