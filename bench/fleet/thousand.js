// A thousand hosts that are a few machines with many addresses: how long a verification takes, and what it needs itself.
// In the lab `thousand.js INVENTORY WORDS…` runs provision there, and prints what it cost.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bin, provision, say, withLab } from '../kit.js'

const self = fileURLToPath(import.meta.url)
const [count, machines] = [1000, 4]
const gateway = 'ssh-gw.guest.internal'
const names = Array.from({ length: machines }, (_, at) => `site${at + 1}.lan.internal`)
const accounts = { user001: { authorizedKeys: [] } }
const login = { user: 'user001' }
const addressOf = (n) => `10.78.${100 + Math.floor(n / 250)}.${1 + (n % 250)}`
const portOf = (n) => 20_000 + n
/** Host n of a thousand is this machine. */
const machineOf = (n) => names[Math.floor(n / 250) % machines]

/** A lab that is a thousand hosts, and a maker of inventories of them. */
export function withThousand(work) {
  const devices = Object.fromEntries(names.map((name) => [name, { accounts }]))
  return withLab({ login, gateways: { [gateway]: {} }, devices }, async ({ file, folder, inside }) => {
    say(`${count} hosts`)
    const admin = (...words) => provision('lab', 'run', file, '--', process.execPath, ...words)
    admin(bin, file, '--quiet')
    const roomy = `echo 'MaxStartups 1000' >/etc/ssh/sshd_config.d/00-bench.conf; systemctl reload ssh`
    inside(gateway, roomy)
    const hostKey = (name) => inside(name, 'cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub').trim()
    const { directory } = JSON.parse(provision('lab', 'status', file, '--json'))
    const identity = readFileSync(join(directory, 'home/.ssh/id_ed25519'))
    const keys = new Map()
    for (const [at, name] of names.entries()) {
      const first = at * 250
      const all = Array.from({ length: 250 }, (_, n) => first + n)
      inside(
        name,
        `${roomy}\nip -batch - <<END\n${all.map((n) => `addr add ${addressOf(n)}/16 dev eth0`).join('\n')}\nEND`,
      )
      keys.set(name, hostKey(name))
      // One tunnel with the forwards of all that this machine is.
      const forwards = all.map((n) => `-R 127.0.0.1:${portOf(n)}:localhost:22`).join(' ')
      inside(name, 'umask 077; cat >/root/key', { input: identity })
      inside(
        name,
        `ssh -F none -f -N -i /root/key -o StrictHostKeyChecking=no -o ExitOnForwardFailure=yes -o ServerAliveInterval=5 ${forwards} user001@${gateway} 2>/dev/null`,
      )
    }
    const inventory = (name, device) => {
      const path = join(folder, `${name}.json`)
      const all = Array.from({ length: count }, (_, n) => [
        `device${String(n).padStart(4, '0')}.lan.internal`,
        { hostKeys: [keys.get(machineOf(n))], ...device(n) },
      ])
      writeFileSync(
        path,
        JSON.stringify({
          login,
          gateways: { [gateway]: { hostKeys: [hostKey(gateway)] } },
          devices: Object.fromEntries(all),
        }),
      )
      return path
    }
    return work({ file, folder, admin, inventory })
  })
}

const forwards = (n) => ({ forwards: [{ port: portOf(n), host: 'localhost', hostPort: 22, listener: 'sshd' }] })
/** Of all of them, with the forward of each. */
export const thousandForwards = ({ inventory }) => inventory('forwards', forwards)

export function thousand(forks) {
  return withThousand((lab) => {
    const { admin, inventory } = lab
    const rows = []
    const row = (what, ...words) =>
      rows.push({ what, ...JSON.parse(admin(self, ...words, ...(forks ? ['--forks', forks] : []))) })
    row(
      '1,000 hosts looked at',
      'verify',
      inventory('addresses', (n) => ({ address: addressOf(n), accounts })),
    )
    row('1,000 forwards proved', 'verify', thousandForwards(lab), '--only', 'forwards')
    return { count, machines, rows }
  })
}

/** Milliseconds it took, those of it on the CPU (its own), and the most memory it had, in bytes. */
function cost(words) {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(process.execPath, [bin, ...words, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // What the inventory pins counts.
      env: { ...process.env, PROVISION_KNOWN_HOSTS: '' },
    })
    const seen = { cpuMs: 0, memory: 0 }
    const look = () => {
      try {
        const [, user, system] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))
        seen.cpuMs = (Number(user) + Number(system)) * 10
        seen.memory = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1])
      } catch {
        // It has ended.
      }
    }
    const timer = setInterval(look, 50)
    let said = ''
    child.stdout.on('data', (text) => {
      said += text
    })
    child.once('close', (code) => {
      clearInterval(timer)
      const report = JSON.parse(said)
      const bad = [
        ...report.hosts.filter(({ outcome }) => outcome !== 'ok'),
        ...report.forwards.filter(({ state }) => state !== 'ok'),
      ]
      const one = JSON.stringify(bad.find(({ name }) => name !== gateway))
      if (code !== 0 && one) return reject(new Error(`exit code ${code}: ${bad.length} are not well: ${one}`))
      resolve({ ms: performance.now() - began, ...seen })
    })
  })
}

if (process.argv[1] === self) process.stdout.write(JSON.stringify(await cost(process.argv.slice(2))))
