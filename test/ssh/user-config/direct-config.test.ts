import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Inventory } from '../../../src/inventory/model.ts'
import { openPins } from '../../../src/ssh/host-keys/pins.ts'
import { undeclaredRoutes } from '../../../src/ssh/reach/routes.ts'
import { type Wire, wire } from '../../../src/ssh/session/wire.ts'
import { clientConfig } from '../../../src/ssh-config/ssh-config.ts'
import { parse } from '../../inventory/parse.ts'

// Which way ssh would go, and whether that is a forward. ssh itself says what each configuration means.

const home = mkdtempSync(join(tmpdir(), 'provision direct '))
afterAll(() => rmSync(home, { recursive: true }))
const config = join(home, 'config')
const env = { HOME: home, PATH: process.env.PATH }

const written = (gateway: object = {}, more: object = {}) =>
  parse(
    JSON.stringify({
      gateways: { 'ssh-gw': { address: '203.0.113.5', ...gateway } },
      devices: {
        pi1: { login: { user: 'pi' }, forwards: ['127.0.0.1:9022:localhost:22'] },
        pi2: { forwards: ['127.0.0.1:9023:localhost:22'] },
        ...more,
      },
    }),
  )
const inventory = written()

/** As `ssh-config --write` keeps it, for an inventory at that path. */
const block = (of: Inventory, path = '/srv/fleet/inventory.json') =>
  `# >>> provision: ${path}\n${clientConfig(of)}# <<< provision: ${path}\n`

const wires: Wire[] = []
afterEach(() => {
  for (const made of wires.splice(0)) made.connections.closeAll()
})
function asked(text: string, known: Inventory = inventory) {
  writeFileSync(config, text)
  const made = wire({ pins: openPins({ file: join(home, 'known_hosts') }), env, sshConfig: config, inventory: known })
  wires.push(made)
  return made
}

/** `[jump →] address:port`, and where it would have gone with all that is written. */
async function route(text: string, name = 'pi1', known?: Inventory) {
  const { hostname, port, jumps, proxyCommand, endpoint } = await asked(text, known).userConfig(name)
  const direct = [...jumps, ...(proxyCommand === undefined ? [] : [proxyCommand]), `${hostname}:${port}`].join(' → ')
  return endpoint ? [direct, `${endpoint.gateway} ${endpoint.address}:${endpoint.port}`] : [direct]
}

/** The ways to pi1 that the inventory does not have. */
async function ways(text: string, known = inventory): Promise<string[]> {
  const device = known.devices.find(({ name }) => name === 'pi1')
  return device ? undeclaredRoutes(device, { wire: asked(text, known) }) : []
}

beforeEach(() => {
  rmSync(join(home, 'config.d'), { recursive: true, force: true })
})
function beside(name: string, text: string) {
  const path = join(home, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const door = 'HostName 127.0.0.1\n Port 9022'
const own = 'Host pi1\n HostName 192.168.1.5\n Port 2022\n'

describe('an entry that leads to a port on a gateway is a forward, whoever wrote it', () => {
  test.each([
    ['by name', `Host pi1\n ${door}\n ProxyJump ssh-gw`],
    ['by name, with a user and a port', `Host pi1\n ${door}\n ProxyJump admin@ssh-gw:2222`],
    ['by its address', `Host pi1\n ${door}\n ProxyJump 203.0.113.5`],
    ['by a name of the user’s own', `Host gate\n HostName 203.0.113.5\nHost pi1\n ${door}\n ProxyJump gate`],
    ['after another hop', `Host pi1\n ${door}\n ProxyJump bastion,me@ssh-gw`],
    ['by a ProxyCommand', `Host pi1\n ${door}\n ProxyCommand ssh -q -C -W %h:%p me@ssh-gw`],
    ['by a ProxyCommand that says where', 'Host pi1\n ProxyCommand ssh -W 127.0.0.1:9022 ssh-gw'],
    ['to localhost', 'Host pi1\n HostName localhost\n Port 9022\n ProxyJump ssh-gw'],
    ['to the gateway’s own address', 'Host pi1\n HostName 203.0.113.5\n Port 9022\n ProxyJump ssh-gw'],
    ['to the gateway’s own name', 'Host pi1\n HostName ssh-gw\n Port 9022\n ProxyJump ssh-gw'],
    ['to a port that it shows to strangers', 'Host pi1\n HostName 203.0.113.5\n Port 9022'],
    ['said in two places', `Host pi1\n HostName localhost\n Port 9022\nHost pi*\n ProxyJump ssh-gw`],
    ['with equals signs and quotes', 'Host pi1\n hostname="127.0.0.1"\n PORT = 9022\n proxyjump=ssh-gw'],
    ['printed and pasted without its marks', clientConfig(inventory)],
  ])('%s', async (_, text) => {
    const [direct, forward] = await route(`${text}\n`)
    expect(forward).toMatch(/^ssh-gw (127\.0\.0\.1|localhost|203\.0\.113\.5|ssh-gw):9022$/)
    expect(direct).toMatch(/^(ssh-gw → )?pi1:22$/)
    expect(await ways(`${text}\n`), 'it is the inventory’s own').toEqual([])
  })
})

describe('what is none stays as it is', () => {
  test.each([
    ['the address of the device itself', own, '192.168.1.5:2022'],
    [
      'a jump through the gateway to it',
      'Host pi*\n HostName 192.168.1.5\n ProxyJump ssh-gw\n',
      'ssh-gw → 192.168.1.5:22',
    ],
    ['a jump through another machine', `Host pi1\n ${door}\n ProxyJump elsewhere\n`, 'elsewhere → 127.0.0.1:9022'],
    ['a command that nobody can read', 'Host pi1\n ProxyCommand nc %h %p\n', 'nc %h %p → pi1:22'],
    [
      'a router with the gateway behind another port',
      'Host pi1\n HostName 203.0.113.5\n Port 2223\n',
      '203.0.113.5:2223',
    ],
    ['nothing at all', '', 'pi1:22'],
  ])('%s', async (_, text, expected) => {
    expect(await route(text)).toEqual([expected])
  })

  test('another machine at the address of the gateway, behind a port of its own', async () => {
    const text = 'Host pi1\n HostName 127.0.0.1\n Port 7022\n ProxyJump 203.0.113.5:2223\n'
    expect(await route(text)).toEqual(['[203.0.113.5]:2223 → 127.0.0.1:7022'])
    expect(await route(text.replace(':2223', ''))).toEqual(['pi1:22', 'ssh-gw 127.0.0.1:7022'])
  })
})

describe('for `direct` ssh is asked as if our block were not there', () => {
  test.each([
    ['alone', block(inventory), 'pi1:22'],
    ['before the user’s own words', `${block(inventory)}${own}`, '192.168.1.5:2022'],
    ['after them', `${own}${block(inventory)}`, '192.168.1.5:2022'],
    ['after a part of them', `Host pi1\n HostName 192.168.1.5\n${block(inventory)}`, '192.168.1.5:22'],
    [
      'of a time with another port',
      `${block(written({}, { pi1: { forwards: ['9777:localhost:22'] } }))}${own}`,
      '192.168.1.5:2022',
    ],
    ['pasted without its marks above them', `${clientConfig(inventory)}${own}`, '192.168.1.5:2022'],
    [
      'pasted without its marks below a part of them',
      `Host pi1\n HostName 192.168.1.5\n${clientConfig(inventory)}`,
      '192.168.1.5:22',
    ],
    [
      'of an inventory with another gateway',
      `${block(written({}, {})).replaceAll('ssh-gw', 'elsewhere')}${own}`,
      '192.168.1.5:2022',
    ],
    ['without its last line', `${own}${block(inventory).replace(/# <<<.*\n/, '')}`, '192.168.1.5:2022'],
  ])('%s', async (_, text, expected) => {
    expect((await route(text))[0]).toBe(expected)
  })

  test('in a file that is included, and with two gateways', async () => {
    const door = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
    const both = parse(
      JSON.stringify({
        gateways: { gw1: {}, gw2: {} },
        devices: { pi1: { forwards: [door('gw1', 9101), door('gw2', 9202)] } },
      }),
    )
    beside('config.d/provision-a.conf', block(both))
    beside('config.d/their.conf', 'Host pi1\n HostName 192.168.1.7\n')
    const text = `Include ${home.replaceAll(' ', '?')}/config.d/*.conf\nHost *\n User somebody\n`
    expect(await route(text, 'pi1', both)).toEqual(['192.168.1.7:22', 'gw1 127.0.0.1:9101'])
  })

  test('and what it says of who logs in, and with what, still counts', async () => {
    const text = `${block(inventory)}Host pi1\n HostName 192.168.1.5\n IdentityFile ~/mine\n`
    expect(await asked(text).userConfig('pi1')).toMatchObject({ user: 'pi', identityFiles: [join(home, 'mine')] })
  })
})

describe('of a gateway', () => {
  const mine = join(inventory.directory, 'inventory.json')
  const former = (address?: string) => block(written(address === undefined ? {} : { address }), mine)
  const now = { ...parse('{ "gateways": { "ssh-gw": {} } }'), file: 'inventory.json' }

  test('a block of this inventory that is older than the inventory counts for nothing', async () => {
    expect(await route(former('198.51.100.1'), 'ssh-gw', now)).toEqual(['ssh-gw:22'])
    const own = 'Host ssh-gw\n HostName 198.51.100.2\n Port 2222\n'
    expect(await route(`${former()}${own}`, 'ssh-gw', now)).toEqual(['198.51.100.2:2222'])
  })

  test('the block of another inventory is as good as the user’s own words', async () => {
    expect(await route(block(written({ address: '198.51.100.1' })), 'ssh-gw', now)).toEqual(['198.51.100.1:22'])
  })
})

describe('a forward that the inventory does not have is a way in of its own', () => {
  test('as long as it is no other device’s', async () => {
    const entry = (port: number) => `Host pi1\n HostName localhost\n Port ${port}\n ProxyJump ssh-gw\n`
    expect(await ways(entry(9777))).toEqual(['forward on ssh-gw at localhost:9777'])
    expect(await ways(entry(9022))).toEqual([])
    expect(await ways(entry(9023))).toEqual([])
    expect(await ways('Host pi1\n HostName ::1\n Port 9777\n ProxyJump ssh-gw\n')).toEqual([
      'forward on ssh-gw at [::1]:9777',
    ])
    expect(await ways(own)).toEqual([])
  })

  test('but not of a device that is to be reached otherwise', async () => {
    const inner = written({}, { pi1: { forwards: ['9022:localhost:22'], via: ['ssh-gw'] } })
    expect(await ways('Host pi1\n HostName localhost\n Port 9777\n ProxyJump ssh-gw\n', inner)).toEqual([])
  })
})
