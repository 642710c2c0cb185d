import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ansibleInventory, printStatic } from '../../src/export/ansible.ts'
import type { Choices } from '../../src/import/inventory-of.ts'
import { printForward } from '../../src/inventory/forward.ts'
import { parse } from '../inventory/parse.ts'
import { importing } from './importing.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-import-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { imported, refusal } = importing(folder)

const ini = `; the fleet
logger ansible_host=10.0.0.9 ansible_connection=ssh http_port=80
localhost ansible_connection=local

[bastions]
gw ansible_host=203.0.113.5 ansible_port=2222 ansible_user=admin

[sensors]
sensor[01:03].site:2200 ansible_ssh_common_args='-o ProxyJump=gw -o ForwardAgent=no' # behind it
sensor09.site ansible_host=127.0.0.1 ansible_port=9001 ansible_ssh_common_args="-o ProxyCommand='ssh -q -W %h:%p admin@203.0.113.5'"

[sensors:vars]
ansible_user=pi
ansible_password=hunter2
ansible_become_pass="{{ vault }}"

[site:children]
sensors
bastions

[win]
w1 ansible_connection=winrm
`

test('an inventory in INI: jumps become ways, old tunnels forwards, and the rest is named', async () => {
  const { printed, left } = await imported('hosts.ini', ini, { ports: '9000-9999' })
  expect(printed).toMatchInlineSnapshot(`
    "// Made.
    {
      "$schema": "./schema.json",
      "gateways": {
        "gw": { "address": "203.0.113.5", "port": 2222, "login": { "user": "admin" }, "ports": "9000-9999" },
      },
      "devices": {
        "logger": { "address": "10.0.0.9", "forwards": ["127.0.0.1:9000:localhost:22"] },
        "sensor01.site": { "port": 2200, "login": { "user": "pi" }, "via": ["gw", "forward"], "forwards": ["127.0.0.1:9002:localhost:2200"] },
        "sensor02.site": { "port": 2200, "login": { "user": "pi" }, "via": ["gw", "forward"], "forwards": ["127.0.0.1:9003:localhost:2200"] },
        "sensor03.site": { "port": 2200, "login": { "user": "pi" }, "via": ["gw", "forward"], "forwards": ["127.0.0.1:9004:localhost:2200"] },
        "sensor09.site": { "login": { "user": "pi" }, "forwards": ["127.0.0.1:9001:localhost:22"] },
      },
      "groups": {
        "sensors": { "devices": ["sensor01.site", "sensor02.site", "sensor03.site", "sensor09.site"] },
        "site": { "devices": ["sensor01.site", "sensor02.site", "sensor03.site", "sensor09.site"] },
      },
    }
    "
  `)
  expect(left).toMatchInlineSnapshot(`
    "logger: the variable http_port (FOLDER/hosts.ini:2)
    localhost: its connection is local, not ssh, so it is left out (FOLDER/hosts.ini:3)
    sensor01.site and 2 more: the argument -o ForwardAgent=no for ssh (FOLDER/hosts.ini:9)
    sensor01.site and 3 more: ansible_password: provision logs in with keys (FOLDER/hosts.ini:14)
    sensor01.site and 3 more: ansible_become_pass: provision logs in with keys (FOLDER/hosts.ini:15)
    w1: its connection is winrm, not ssh, so it is left out (FOLDER/hosts.ini:22)
    gw: left out of the group site: a gateway cannot be in a group (FOLDER/hosts.ini:6)"
  `)
  expect(left + printed).not.toContain('hunter2')
})

test('what ansible-inventory prints of it says the same', async () => {
  const hosts = join(folder, 'hosts.ini')
  writeFileSync(hosts, ini)
  const list = execFileSync('ansible-inventory', ['-i', hosts, '--list'], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' },
  })
  const direct = await imported('hosts.ini', ini, { ports: '9000-9999' })
  const json = await imported('hosts.json', list, { ports: '9000-9999' })
  const sorted = (text: string) =>
    text
      .split('\n')
      .map((line) => line.replace(/"127.0.0.1:\d+/, 'DOOR'))
      .sort()
  expect(sorted(json.printed)).toEqual(sorted(direct.printed))
})

test('YAML: groups in groups, ranges, and the variables of a child before those of its parents', async () => {
  const { printed, left } = await imported(
    'site.yml',
    `---
all:
  vars: { ansible_user: all, ansible_ssh_private_key_file: ~/.ssh/fleet }
  hosts:
    gw:
  children:
    pis:
      vars: { ansible_user: pi, ansible_become_password: !vault "abc" }
      hosts:
        pi[1:2]: { ansible_host: "{{ inventory_hostname }}.lan" }
      children:
        old:
          hosts:
            pi7: { ansible_user: root, ansible_ssh_common_args: "-J gw" }
            gw:
`,
    { gateways: ['gw'] },
  )
  expect(printed).toMatchInlineSnapshot(`
    "// Made.
    {
      "$schema": "./schema.json",
      "login": { "user": "pi", "identityFile": "~/.ssh/fleet" },
      "gateways": {
        "gw": {},
      },
      "devices": {
        "pi1": { "address": "pi1.lan" },
        "pi2": { "address": "pi2.lan" },
        "pi7": { "login": { "user": "root" }, "via": ["gw"] },
      },
      "groups": {
        "pis": { "devices": ["pi1", "pi2", "pi7"] },
        "old": { "devices": ["pi7"] },
      },
    }
    "
  `)
  expect(left).toMatchInlineSnapshot(`
    "gw and 3 more: ansible_become_password: provision logs in with keys (FOLDER/site.yml:8)
    pi1 and 2 more: has no forward yet: import with --ports 9000-9999, or write one (FOLDER/site.yml:14)
    gw: left out of the group pis: a gateway cannot be in a group (FOLDER/site.yml:5)
    gw: left out of the group old: a gateway cannot be in a group (FOLDER/site.yml:5)"
  `)
})

test('gateways: named, jumped through, or of a group that says so', async () => {
  const gateways = async (text: string, choices: Partial<Choices> = {}) =>
    parse((await imported('g.ini', text, choices)).printed).gateways.map(({ name }) => name)
  expect(await gateways('a\nb ansible_ssh_common_args="-J a"\n[bastion]\nc\n')).toEqual(['a'])
  expect(await gateways('a\n[ssh_gateways]\nb\nc\n')).toEqual(['b', 'c'])
  expect(await gateways('a\n[edge]\nb\nc\n', { gateways: ['edge'] })).toEqual(['b', 'c'])
  expect(await gateways('a ansible_ssh_common_args="-J me@[2001:db8::1]:22,me@hop.example:2222"\n')).toEqual([
    'hop.example',
  ])
  expect(await refusal('g.ini', 'a\nb\n')).toBe(
    'the file does not say which of the hosts is a gateway; add --gateway NAME, one of a, b, or a machine that is not in the file',
  )
  expect(await refusal('g.ini', 'aa\nb\n', { gateways: ['ab'] })).toBe(
    'there is no host and no group ab, did you mean "aa"?; undefined',
  )
})

test('on two gateways each device gets a forward on both', async () => {
  const { printed } = await imported('g.ini', 'pi ansible_port=2200\n[gateways]\ngw1\ngw2\n', { ports: '9000-9000' })
  expect(
    parse(printed).devices[0]?.forwards.map(({ gateway, port, hostPort }) => `${gateway} ${port} ${hostPort}`),
  ).toEqual(['gw1 9000 2200', 'gw2 9000 2200'])
})

test('what export tells Ansible becomes the inventory again', async () => {
  const inventory = parse(`{
    "gateways": { "gw": { "address": "203.0.113.5", "port": 2222, "login": { "user": "admin" } } },
    "devices": { "a": { "login": { "user": "pi" }, "forwards": ["9022:localhost:22"] }, "b": { "login": { "user": "pi" }, "forwards": ["[::1]:9023:localhost:22"] } },
    "groups": { "some": { "devices": ["b"] } },
  }`)
  const { printed } = await imported('again.json', printStatic(ansibleInventory(inventory, '/k')), { gateways: ['gw'] })
  const again = parse(printed)
  expect(
    again.devices.map(({ name, login, forwards }) => [name, login.user, forwards[0] && printForward(forwards[0])]),
  ).toEqual([
    ['a', 'pi', '127.0.0.1:9022:localhost:22'],
    ['b', 'pi', '[::1]:9023:localhost:22'],
  ])
  expect(again.groups).toContainEqual({ name: 'some', devices: ['b'] })
})
