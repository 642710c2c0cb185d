import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Inventory } from '../../src/inventory/model.ts'
import { readInventory } from '../../src/inventory/read/inventory.ts'
import { openPins } from '../../src/ssh/host-keys/pins.ts'
import { askSsh } from '../../src/ssh/user-config/query.ts'
import { userConfig } from '../../src/ssh/user-config/user-config.ts'
import { clientConfig, knownHostsLines } from '../../src/ssh-config/ssh-config.ts'
import { KEY, parse } from '../inventory/parse.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-ssh-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
const example = (name: string) => readInventory(resolve(import.meta.dirname, '../../inventory/examples', name))
const device = (more: object): Inventory =>
  parse(JSON.stringify({ gateways: { gw: { address: '192.0.2.1', port: 2222 } }, devices: { pi: more } }))

function effective(config: string, host: string, env: NodeJS.ProcessEnv = process.env): string[] {
  const file = join(folder, 'config')
  writeFileSync(file, config)
  return execFileSync('/usr/bin/ssh', ['-G', '-F', file, host], { stdio: ['ignore', 'pipe', 'ignore'], env })
    .toString()
    .split('\n')
}

test('for everybody, without a client, it says nothing about who logs in with what', async () => {
  const inventory = parse(
    `{ "gateways": { "gw": {} }, "devices": { "pi": { "forwards": ["127.0.0.1:9022:localhost:22"] } } }`,
  )
  expect(clientConfig(inventory)).toMatchInlineSnapshot(`
    "Host gw
        HostName gw
        HostKeyAlias gw
        StrictHostKeyChecking yes
        CheckHostIP no

    Host pi
        HostName 127.0.0.1
        Port 9022
        HostKeyAlias pi
        StrictHostKeyChecking yes
        CheckHostIP no
        ProxyJump gw
    "
  `)
})

test('a device with two doors is reached through the first that is open, and each gateway has a block', async () => {
  expect(clientConfig(await example('fleet.json'))).toMatchInlineSnapshot(`
    "Host ssh-gw1.example.internal
        HostName ssh-gw1.example.internal
        User user001
        HostKeyAlias ssh-gw1.example.internal
        StrictHostKeyChecking yes
        CheckHostIP no

    Host ssh-gw2.example.internal
        HostName ssh-gw2.example.internal
        User user001
        HostKeyAlias ssh-gw2.example.internal
        StrictHostKeyChecking yes
        CheckHostIP no

    Match host sensor01.site.internal exec "printenv PROVISION_ASKS_SSH || ssh -q -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9101 ssh-gw1.example.internal"
        HostName 127.0.0.1
        Port 9101
        ProxyJump ssh-gw1.example.internal

    Match host sensor01.site.internal exec "printenv PROVISION_ASKS_SSH || ssh -q -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9101 ssh-gw2.example.internal"
        HostName 127.0.0.1
        Port 9101
        ProxyJump ssh-gw2.example.internal

    Host sensor01.site.internal
        HostName 127.0.0.1
        Port 9101
        User user001
        HostKeyAlias sensor01.site.internal
        StrictHostKeyChecking yes
        CheckHostIP no
        ProxyJump ssh-gw1.example.internal

    Match host sensor02.site.internal exec "printenv PROVISION_ASKS_SSH || ssh -q -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9102 ssh-gw1.example.internal"
        HostName 127.0.0.1
        Port 9102
        ProxyJump ssh-gw1.example.internal

    Match host sensor02.site.internal exec "printenv PROVISION_ASKS_SSH || ssh -q -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9102 ssh-gw2.example.internal"
        HostName 127.0.0.1
        Port 9102
        ProxyJump ssh-gw2.example.internal

    Host sensor02.site.internal
        HostName 127.0.0.1
        Port 9102
        User user001
        HostKeyAlias sensor02.site.internal
        StrictHostKeyChecking yes
        CheckHostIP no
        ProxyJump ssh-gw1.example.internal

    Host camera01.site.internal
        HostName 127.0.0.1
        Port 9201
        User user001
        HostKeyAlias camera01.site.internal
        StrictHostKeyChecking yes
        CheckHostIP no
        ProxyJump ssh-gw1.example.internal

    Host camera02.site.internal
        HostName 127.0.0.1
        Port 9202
        User user001
        HostKeyAlias camera02.site.internal
        StrictHostKeyChecking yes
        CheckHostIP no
        ProxyJump ssh-gw2.example.internal
    "
  `)
})

test.each(['guest-lan.json', 'fleet.json', 'printer.json', 'accounts.json', 'smallest.json'])(
  'ssh reads that of %s, for every host',
  async (name) => {
    const inventory = await example(name)
    const config = clientConfig(inventory, inventory.clients[0])
    for (const { name: gateway } of inventory.gateways) {
      expect(effective(config, gateway)).toContain(`hostkeyalias ${gateway}`)
    }
    for (const { name: own, forwards } of inventory.devices) {
      if (forwards.length) expect(effective(config, own)).toContain(`port ${forwards[0]?.port}`)
      else expect(config).not.toContain(`Host ${own}\n`)
    }
  },
)

test('a door on every address is looked for on loopback, from the gateway', () => {
  const inventory = device({
    forwards: [{ bindAddress: '*', port: 9022, host: 'localhost', hostPort: 22, expose: true }],
  })
  expect(effective(clientConfig(inventory), 'pi')).toEqual(expect.arrayContaining(['hostname 127.0.0.1', 'port 9022']))
})

test('an IPv6 door is reached by its bare address', () => {
  expect(effective(clientConfig(device({ forwards: ['[::1]:9024:[::1]:22'] })), 'pi')).toContain('hostname ::1')
})

test('a door to a neighbour is no door to the device', () => {
  expect(clientConfig(device({ forwards: ['127.0.0.1:9080:printer:80'] }))).not.toContain('Host pi')
})

test('known_hosts lines are those of the pinned keys, and what is missing is named', async () => {
  const inventory = parse(JSON.stringify({ gateways: { gw: { hostKeys: [KEY] } }, devices: { pi: {} } }))
  const found = await knownHostsLines(inventory, openPins({ file: join(folder, 'known_hosts') }))
  expect(found).toEqual({ lines: [`gw ${KEY}`], missing: ['pi'] })
})

test('known_hosts lines are those of the authorities, too', async () => {
  const inventory = parse(JSON.stringify({ gateways: { gw: { hostKeys: [`@cert-authority ${KEY}`] } } }))
  const found = await knownHostsLines(inventory, openPins({ file: join(folder, 'known_hosts') }))
  expect(found).toEqual({ lines: [`@cert-authority gw ${KEY}`], missing: [] })
})

describe('a device behind two gateways', () => {
  const two = parse(
    JSON.stringify({
      gateways: { gw1: {}, gw2: {} },
      devices: {
        pi: {
          forwards: [
            { gateway: 'gw1', port: 9101, host: 'localhost', hostPort: 22 },
            { gateway: 'gw1', port: 9199, host: 'localhost', hostPort: 22 },
            { gateway: 'gw2', bindAddress: '::1', port: 9102, host: 'localhost', hostPort: 22 },
          ],
        },
      },
    }),
  )
  /** The login that asks a gateway, in whose place a program of ours writes down what it was asked. */
  function asking(open: string) {
    const bin = mkdtempSync(join(folder, 'bin-'))
    const log = join(bin, 'log')
    writeFileSync(log, '')
    const program = `#!/bin/sh
if [ "$1" = -G ]; then exec /usr/bin/ssh "$@"; fi
echo "$*" >>${log}
case "$*" in *" ${open}") ;; *) exit 255 ;; esac
`
    writeFileSync(join(bin, 'ssh'), program, { mode: 0o755 })
    return {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      asked: () => readFileSync(log, 'utf8').split('\n'),
    }
  }
  const first = ['hostname 127.0.0.1', 'port 9101', 'proxyjump gw1']

  test('goes through the first while its port is open there, and nobody asks the second', () => {
    const { env, asked } = asking('gw1')
    expect(effective(clientConfig(two), 'pi', env)).toEqual(expect.arrayContaining([...first, 'hostkeyalias pi']))
    expect(asked().slice(0, -1)).toEqual(['-q -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9101 gw1'])
  })

  test('goes through the second, at its own port there, when it does not', () => {
    const { env, asked } = asking('gw2')
    const found = effective(clientConfig(two), 'pi', env)
    expect(found).toEqual(expect.arrayContaining(['hostname ::1', 'port 9102', 'proxyjump gw2', 'hostkeyalias pi']))
    expect(asked()[1]).toBe('-q -o BatchMode=yes -o ConnectTimeout=4 -W [::1]:9102 gw2')
  })

  test('goes through the first when none is open, so that ssh says what is wrong', () => {
    expect(effective(clientConfig(two), 'pi', asking('nobody').env)).toEqual(expect.arrayContaining(first))
  })

  test('costs no login when provision itself asks what ssh would do', async () => {
    const { env, asked } = asking('gw2')
    const file = join(folder, 'two')
    writeFileSync(file, clientConfig(two))
    expect(await userConfig('pi', askSsh({ file, env }), env)).toMatchObject({ port: 9101, jumps: ['gw1'] })
    expect(asked()).toEqual([''])
  })
})

test('a file of its own for the host keys stands in every block', () => {
  const file = '~/.ssh/config.d/provision-x.known_hosts'
  const config = clientConfig(device({ forwards: ['127.0.0.1:9022:localhost:22'] }), undefined, file)
  expect(config.match(/UserKnownHostsFile (.*)/g)).toEqual([`UserKnownHostsFile ${file}`, `UserKnownHostsFile ${file}`])
})
