import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { inventoryOf } from '../../src/import/inventory-of.ts'
import { printInventory } from '../../src/import/print.ts'
import { readFound } from '../../src/import/read.ts'
import { clientConfig } from '../../src/ssh-config/ssh-config.ts'
import { parse } from '../inventory/parse.ts'

const home = mkdtempSync(join(tmpdir(), 'provision-config-'))
mkdirSync(join(home, '.ssh/config.d'), { recursive: true })
afterAll(() => rmSync(home, { recursive: true }))
const config = join(home, '.ssh/config')
const env = { HOME: home, PATH: process.env.PATH }
const failure = (file: string) =>
  readFound(file, { env, say: () => {} }).catch((error: Error) => error.message.replace(home, '~'))

test('an ssh_config: ssh itself says what its lines mean', async () => {
  writeFileSync(
    config,
    `Include config.d/*.conf
Host gw ssh-gw.example
    HostName = 203.0.113.5
    Port 2222
    User admin
    RemoteForward 9022 localhost:22

Host pi-?
    User pi
    IdentityFile ~/.ssh/fleet

# A tunnel that somebody keeps by hand.
Host pi-1
    HostName 127.0.0.1
    Port 9022
    HostKeyAlias pi-1
    ProxyJump gw

Host pi-2
    HostName pi-2.lan
    ProxyCommand ssh -q -W %h:%p admin@203.0.113.5 -p 2222
    Compression yes
    LocalForward 8080 localhost:80

Host pi-3
    ProxyCommand nc %h %p

Match host pi-2
    Port 2200
`,
  )
  writeFileSync(join(home, '.ssh/config.d/more.conf'), 'Host logger\n    HostName logger.lan\n')
  writeFileSync(join(home, '.ssh/config.d/not.this'), 'Host nobody\n')
  const { file, left } = inventoryOf(await readFound(config, { env, say: () => {} }), {
    gateways: [],
    ports: '9000-9999',
  })
  const printed = printInventory(file, 'Made.')
  parse(printed)
  expect(`${printed}${left.join('\n')}`.replaceAll(home, '~')).toMatchInlineSnapshot(`
    "// Made.
    {
      "$schema": "./schema.json",
      "gateways": {
        "gw": { "address": "203.0.113.5", "port": 2222, "login": { "user": "admin" }, "ports": "9000-9999" },
      },
      "devices": {
        "logger": { "address": "logger.lan", "forwards": ["127.0.0.1:9000:localhost:22"] },
        "pi-1": { "login": { "user": "pi", "identityFile": "~/.ssh/fleet" }, "forwards": ["127.0.0.1:9022:localhost:22"] },
        "pi-2": { "address": "pi-2.lan", "login": { "user": "pi", "identityFile": "~/.ssh/fleet" }, "via": ["gw", "forward"], "forwards": ["127.0.0.1:9001:localhost:22"] },
        "pi-3": { "login": { "user": "pi", "identityFile": "~/.ssh/fleet" }, "forwards": ["127.0.0.1:9002:localhost:22"] },
      },
    }
    ssh-gw.example: is another name of gw (~/.ssh/config:2)
    gw: RemoteForward opens a port on this host: write "127.0.0.1:9022:localhost:22" as a forward of the device that has this line (~/.ssh/config:6)
    pi-2: the option compression (~/.ssh/config:22)
    pi-2: the option localforward (~/.ssh/config:23)
    pi-3: a ProxyCommand other than ssh -W (~/.ssh/config:26)"
  `)
})

test('what ssh-config prints of an inventory becomes that inventory', async () => {
  const inventory = parse(`{
    "gateways": { "gw": { "address": "203.0.113.5", "port": 2222, "login": { "user": "admin" } } },
    "devices": { "a": { "login": { "user": "pi" }, "forwards": ["9022:localhost:22"] }, "b": { "login": { "user": "pi" }, "forwards": ["9023:localhost:22"] } },
  }`)
  writeFileSync(config, clientConfig(inventory))
  const { file, left } = inventoryOf(await readFound(config, { env, say: () => {} }), { gateways: [] })
  const again = parse(printInventory(file, 'Made.'))
  expect([again.gateways, again.devices, left]).toEqual([inventory.gateways, inventory.devices, []])
})

test('a file that ssh does not understand', async () => {
  writeFileSync(config, 'Host a\n    NoSuchOption 7\n')
  expect(await failure(config)).toBe('ssh cannot read ~/.ssh/config')
  expect(await failure(join(home, 'nothing'))).toBe('~/nothing cannot be read (ENOENT)')
})
