// npm run bench -- herd [--write] [--clients 500] [--delay 50] [--only WORD]: many tunnels through one gateway, from one address, whose
// sshd and all sessions end at once, as at a reboot: how soon they are back. On lab machines; needs root on Linux, as the lab
// does. One run, one table: compare rows of it, never rows of two. --write keeps it in bench/herd.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { withDelay } from './delay.js'
import { root, say, table, withLab } from './kit.js'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '500' },
    delay: { type: 'string', default: '50' },
    only: { type: 'string' },
    write: { type: 'boolean' },
  },
})
const clients = Number(values.clients)
const patience = 120
const [gateway, site] = ['gw.guest.internal', 'site.lan.internal']

/** Between two dials of one client, in seconds: $1 is its number. */
const pauses = {
  fixed: 'echo 1',
  // As the unit of a device has it: its own share of 2 s, the same every time.
  ours: 'echo $((100 + ($1 * 37) % 100)) | sed "s/..$/.&/"',
}
const { dialledBy } = await createJiti(import.meta.url).import(join(root, 'playbooks/hardening/logins.ts'))
/** Of the two ways to say penalties the lab's sshd knows the first. */
const ours = dialledBy(clients).filter(([, , { since }]) => since !== '10.3')
const lines = ours.map(([keyword, value]) => `${keyword} ${value}`)
const mild = lines.find((line) => line.startsWith('PerSourcePenalties'))
const variants = {
  'stock sshd, RestartSec=1': { pause: pauses.fixed, settings: [] },
  'stock sshd, our pauses': { pause: pauses.ours, settings: [] },
  'MaxStartups 30, our pauses': { pause: pauses.ours, settings: [mild, 'MaxStartups 30:30:1000'] },
  'MaxStartups 100, our pauses': { pause: pauses.ours, settings: [mild, 'MaxStartups 100:30:1000'] },
  'as provision sets it for so many devices': { pause: pauses.ours, settings: lines },
}

const ready = `
useradd --create-home herd 2>/dev/null
install -d -m 700 -o herd /home/herd/.ssh
cat >/home/herd/.ssh/authorized_keys
chown herd /home/herd/.ssh/authorized_keys
`
const dialler = (pause) => `
systemctl stop herd 2>/dev/null
cat >/root/client <<'END'
pause() { ${pause}; }
while :; do
  ssh -F none -i /root/herd -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \\
    -o ExitOnForwardFailure=yes -o ServerAliveInterval=5 -o ServerAliveCountMax=2 -o ConnectTimeout=10 \\
    -N -R 127.0.0.1:$((10000 + $1)):localhost:22 herd@${gateway} </dev/null >/dev/null 2>&1
  sleep "$(pause "$1")"
done
END
systemd-run --quiet --unit=herd --property=TasksMax=infinity sh -c 'for n in $(seq ${clients}); do sh /root/client $n & done; wait'
`
/** Seconds since it began → ports that answer, until all do; on the gateway, so that nothing is asked over the link. */
const watch = `
began=$(date +%s%N)
while :; do
  open=$(ss -Hltn 'src 127.0.0.1' | grep -c '127.0.0.1:1[0-9][0-9][0-9][0-9] ')
  at=$(( ($(date +%s%N) - began) / 1000000 ))
  echo "$at $open"
  [ "$open" -ge ${clients} ] && break
  [ "$at" -gt ${patience * 1000} ] && break
  sleep 0.2
done`
const memory = `
sum=0
for pid in $(pgrep -f '[s]shd.*: herd'); do
  pss=$(sed -n 's/^Pss: *\\([0-9]*\\).*/\\1/p' /proc/$pid/smaps_rollup 2>/dev/null); sum=$((sum + \${pss:-0}))
done
echo $sum`

async function measure(name, { pause, settings }, inside) {
  say(name)
  const lines = settings.map((line) => `${line}\n`).join('')
  inside(gateway, `printf '%s' '${lines}' >/etc/ssh/sshd_config.d/00-bench.conf; systemctl restart ssh`)
  inside(site, dialler(pause))
  const figures = (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number))
  const first = figures(inside(gateway, watch)).at(-1)
  if (first[1] < clients) say(`only ${first[1]} of ${clients} came at all`)
  const kilobytes = Number(inside(gateway, memory)) / first[1]
  // As at a reboot: nobody listens for 5 s, and no session is left.
  const course = figures(
    inside(
      gateway,
      `date +%s >/run/since; systemctl stop ssh; pkill -f '[s]shd.*: herd'; sleep 5; systemctl start ssh; ${watch}`,
    ),
  )
  const back = (share) => course.find(([, open]) => open >= clients * share)?.[0]
  const resets = inside(
    gateway,
    `journalctl -u ssh --since @$(cat /run/since) -o cat | grep -c 'drop connection' || :`,
  ).trim()
  await wait(1000)
  const told = (ms) => (ms === undefined ? `not in ${patience} s` : `${(ms / 1000).toFixed(1)} s`)
  return [name, ...[0.5, 0.95, 1].map((share) => told(back(share))), resets, `${(kilobytes / 1024).toFixed(1)} MB`]
}

const lab = { login: { user: 'user001' }, gateways: { [gateway]: {} }, devices: { [site]: {} } }

await withLab(lab, ({ file, inside }) => withDelay(file, Number(values.delay), () => measureAll(inside), site))

async function measureAll(inside) {
  inside(gateway, ready, { input: inside(site, `ssh-keygen -q -t ed25519 -N '' -f /root/herd && cat /root/herd.pub`) })
  const rows = []
  for (const [name, variant] of Object.entries(variants))
    if (!values.only || name.includes(values.only)) rows.push(await measure(name, variant, inside))
  const text = [
    '# The herd',
    '',
    `Made by \`npm run bench -- herd --write\`. ${clients} ssh clients behind one address, each with a forward of its own; the`,
    'gateway loses its sshd and all sessions, and nobody listens for 5 s. A packet takes',
    `${values.delay} ms between them, either way. Gateway and clients share two cores.`,
    '',
    table(['', 'half are back', '95 %', 'all', 'connections dropped', 'memory of one tunnel'], rows),
    '',
  ].join('\n')
  process.stdout.write(text)
  if (values.write) writeFileSync(join(root, 'bench/herd.md'), text)
}
