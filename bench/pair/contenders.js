// Whom the bench of one pair times. On the admin machine of a lab: `contenders.js PEER first|again|check FOLDER` prints milliseconds,
// connections and execs.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { devicesOf, gateway } from '../fleet/contenders.js'
import { bin } from '../kit.js'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

function measure(peer, what, folder) {
  const own = join(folder, peer)
  mkdirSync(own, { recursive: true })
  const inventory = join(folder, 'inventory.json')
  const [device] = devicesOf(1)
  const [key] = JSON.parse(readFileSync(inventory, 'utf8')).gateways[gateway].accounts.user002.authorizedKeys
  const words = [what, own, key, gateway, device.name, String(device.port)]
  const [program, ...rest] = {
    provision: [process.execPath, bin, inventory, ...(what === 'check' ? ['--check'] : []), '--json'],
    'by hand': ['bash', here('by-hand.sh'), ...words],
    'two execs': [process.execPath, here('two-execs.js'), ...words],
  }[peer]
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8' })
  const ms = performance.now() - began
  if (status !== 0) throw new Error(`${peer}, ${what}: ${status}: ${stderr || stdout}`)
  if (peer !== 'provision') {
    const [connections, execs] = stdout.trim().split(' ').map(Number)
    return { ms, connections, execs }
  }
  return { ms, ...JSON.parse(stdout).wire }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [peer, what, folder] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(measure(peer, what, folder)))
}
