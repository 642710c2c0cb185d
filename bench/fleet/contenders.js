// Whom the fleet bench times. On the admin machine of a lab: `contenders.js WHAT COUNT ROUNDS FOLDER` prints the samples, in ms.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bin, root, time } from '../kit.js'

export const gateway = 'ssh-gw.guest.internal'
export const devicesOf = (count) =>
  Array.from({ length: count }, (_, n) => ({
    name: `device${String(n + 1).padStart(3, '0')}.lan.internal`,
    port: 9001 + n,
  }))

/** A gateway and its devices, on each an account of a person with one key. */
export function inventoryOf(count, key = newKey()) {
  const accounts = { user002: { authorizedKeys: [key], exclusive: true } }
  const devices = devicesOf(count).map(({ name, port }) => [
    name,
    { forwards: [`127.0.0.1:${port}:localhost:22`], accounts },
  ])
  return { login: { user: 'user001' }, gateways: { [gateway]: { accounts } }, devices: Object.fromEntries(devices) }
}

/** A public key that nobody has the other half of. */
function newKey() {
  const field = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(randomBytes(32))]).toString('base64')}`
}

/** What makes ssh take a device's forward on the gateway for the device. */
const throughForward = ({ name, port }) => {
  const hop = `ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -W 127.0.0.1:${port} ${gateway}`
  return ['-o', `ProxyCommand=${hop}`, '-o', `HostKeyAlias=${name}`]
}

async function measure(what, count, rounds, folder) {
  const devices = devicesOf(count)
  const inventory = join(folder, 'inventory.json')
  const samples = {}
  const sample = async (name, ...commands) => {
    samples[name] = [...(samples[name] ?? []), await time(...commands)]
  }
  const own = (...words) => [process.execPath, [bin, ...words]]
  const ssh = (...words) => ['ssh', ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', ...words, 'true']]
  const hands = made(folder, 'by-hand')
  const byHand = (key) => [
    'sh',
    [join(root, 'bench/fleet/by-hand.sh'), hands, key, gateway, ...devices.map(({ name, port }) => `${name}:${port}`)],
  ]
  const play = (key, ...more) => [
    'ansible-playbook',
    [
      ...['-i', hostsFile(folder, devices), '-e', JSON.stringify({ key }), ...more],
      join(root, 'bench/fleet/ansible/site.yml'),
    ],
    {
      env: {
        ...process.env,
        ANSIBLE_CONFIG: join(root, 'bench/fleet/ansible/ansible.cfg'),
        ANSIBLE_HOME: made(folder, 'ansible'),
        ...(what === 'Mitogen' && strategyOf(folder)),
      },
    },
  ]
  // As with everybody who edits it: its identity stays in it.
  const rewrite = (key) => {
    const { id } = JSON.parse(readFileSync(inventory, 'utf8'))
    writeFileSync(inventory, JSON.stringify({ id, ...inventoryOf(count, key) }))
  }

  if (what === 'first') await sample('provision, first run', own(inventory))
  if (what === 'rest') {
    const key = newKey()
    rewrite(key)
    await time(own(inventory))
    await time(byHand(key))
    for (let round = 0; round < rounds; round++) {
      await sample(
        'ssh HOST true, all at once',
        ...[gateway, ...devices.map(({ name }) => name)].map((name) => ssh(name)),
      )
      if (count === 1) await sample('ssh through the forward', ssh(...throughForward(devices[0]), devices[0].name))
      await sample('provision, nothing to do', own(inventory))
      await sample('provision --check, nothing to do', own(inventory, '--check'))
      await sample('provision verify', own('verify', inventory))
      await sample('by hand over open connections, nothing to do', byHand(key))
    }
    for (let round = 0; round < rounds; round++) {
      rewrite(newKey())
      await sample('provision, one changed file on every host', own(inventory))
      await sample('by hand over open connections, one changed file', byHand(newKey()))
    }
    await time(own(inventory))
    const report = execFileSync(process.execPath, [bin, inventory, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
    samples.wire = JSON.parse(report).wire
  }
  if (what === 'Ansible' || what === 'Mitogen') {
    const key = newKey()
    await sample(`${what}, first run`, play(key))
    for (let round = 0; round < rounds; round++) await sample(`${what}, nothing to do`, play(key))
    if (count === 1) for (let round = 0; round < rounds; round++) await sample(`${what}, check`, play(key, '--check'))
    for (let round = 0; round < rounds; round++) await sample(`${what}, one changed file on every host`, play(newKey()))
  }
  return samples
}

/** Ansible does what Mitogen says; its Debian packages are unpacked there. */
function strategyOf(folder) {
  const packages = join(folder, 'mitogen/usr/lib/python3/dist-packages')
  return {
    PYTHONPATH: packages,
    ANSIBLE_STRATEGY: 'mitogen_linear',
    ANSIBLE_STRATEGY_PLUGINS: join(packages, 'ansible_mitogen/plugins/strategy'),
  }
}

function made(folder, name) {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

function hostsFile(folder, devices) {
  const path = join(folder, 'hosts.ini')
  const rows = devices.map(({ name, port }) => `${name} tunnel_port=${port}`)
  writeFileSync(path, ['[gateways]', gateway, '[devices]', ...rows, ''].join('\n'))
  return path
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, count, rounds, folder] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(await measure(what, Number(count), Number(rounds), folder)))
}
