import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { readFound } from '../../src/import/read.ts'
import { ansibleInventory } from './ansible-inventory.ts'
import { fuzz } from './fuzz.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-fuzz-'))
const ansible = ansibleInventory(folder)
beforeAll(() => ansible.list('/dev/null'), 120_000)
afterAll(() => {
  ansible.end()
  rmSync(folder, { recursive: true })
})

/** What ansible-inventory makes of it, read back. */
async function both(name: string, text: string) {
  const file = join(folder, name)
  writeFileSync(file, text)
  const list = await ansible.list(file)
  const again = join(folder, 'list.json')
  writeFileSync(again, list)
  const [own, theirs] = await Promise.all(
    [file, again].map(async (each) => {
      const { hosts, groups } = await readFound(each, { env: process.env, say: () => {} })
      return {
        hosts: hosts.map(({ place, ...host }) => host).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        groups: groups
          .map((group) => ({ name: group.name, members: [...group.members].sort() }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      }
    }),
  )
  return { own, theirs }
}

const pick = fc.constantFrom
const hosts = ['a', 'b.lan', 'c[1:3]', 'd[08:10].x', 'e:2222', '10.0.0.7', '[2001:db8::6]:22', '2001:db8::7', 'f[a:c]']
const setting = fc.oneof(
  pick('10.0.0.1', '2001:db8::1', '"x.lan"', '"{{ y }}"').map((value) => `ansible_host=${value}`),
  pick('22', '2200', '"22"', '022').map((value) => `ansible_port=${value}`),
  pick('pi', "'pi'", '"p\\"i"', 'root').map((value) => `ansible_user=${value}`),
  pick("'-J gw'", '"-o ProxyCommand=\\"ssh -W %h:%p me@gw\\""', '-Jgw').map(
    (value) => `ansible_ssh_common_args=${value}`,
  ),
)
const variable = fc.oneof(
  setting,
  pick(
    'ansible_user = me',
    'ansible_user=x # y',
    'ansible_port=2022 # y',
    'ansible_group_priority=9',
    "ansible_user='p' 'i'",
  ),
  pick('ansible_ssh_args="-o ProxyCommand=\\"ssh -q me@gw -W %h:%p\\""', "ansible_host='a\\'b'", 'ansible_user=r"x"'),
)
const groups = ['g1', 'g2', 'g3']
const hostLine = fc
  .tuple(pick(...hosts), fc.array(setting, { maxLength: 2 }), pick('', ' # said', '#said'))
  .map(([host, settings, end]) => [host, ...settings].join(' ') + end)
const section = fc.oneof(
  fc.tuple(pick('[ungrouped]', ...groups.map((name) => `[${name}]`)), fc.array(hostLine, { maxLength: 4 })),
  fc.tuple(pick(...[...groups, 'all'].map((name) => `[${name}:vars]`)), fc.array(variable, { maxLength: 3 })),
  fc.tuple(pick('[g1:children] # below'), fc.constant(['g2'])),
  fc.tuple(pick('[g2:children]'), fc.constant(['g3'])),
)
const ini = fc
  .array(section, { minLength: 3, maxLength: 9 })
  .map((sections) =>
    ['first', '[g1]', '[g2]', '[g3]', ...sections.flatMap(([head, lines]) => [head, ...lines])].join('\n'),
  )

fuzz('INI: as ansible-inventory reads it', ini, 20, async (text) => {
  const { own, theirs } = await both('hosts.ini', text)
  expect(own).toEqual(theirs)
})

const value = pick('10.0.0.1', 'yes', '2200', '022', '"22"', '"{{ y }}"', "'-J gw'", '-J gw')
const vars = fc.uniqueArray(pick('ansible_host', 'ansible_port', 'ansible_user', 'ansible_ssh_common_args'), {
  maxLength: 2,
})
const yamlHosts = fc.uniqueArray(pick(...hosts.filter((host) => !host.startsWith('['))), { minLength: 1, maxLength: 3 })
const yaml = fc
  .array(
    fc.record({
      group: pick(...groups),
      hosts: yamlHosts,
      vars,
      values: fc.array(value, { minLength: 4, maxLength: 4 }),
      merged: fc.boolean(),
      asText: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => {
    const unique = all.filter(({ group }, at) => all.findIndex((each) => each.group === group) === at)
    const lines = unique.flatMap((each) => {
      const own = each.vars.map((key, at) => `${key}: ${each.values[at]}`)
      const merge = each.merged ? ['<<: *pi'] : []
      const mapped = each.hosts.flatMap((host) => [
        `        "${host}":`,
        ...[...merge, ...own].map((pair) => `          ${pair}`),
      ])
      return [
        `    ${each.group}:`,
        ...(each.asText ? [`      hosts: "${each.hosts[0]}"`] : ['      hosts:', ...mapped]),
      ]
    })
    return [
      'all:',
      '  vars:',
      '    _pi: &pi',
      '      ansible_user: pi',
      '      ansible_port: 2022',
      '  children:',
      ...lines,
    ].join('\n')
  })

fuzz('YAML: as ansible-inventory reads it', yaml, 20, async (text) => {
  const { own, theirs } = await both('hosts.yml', text)
  expect(own).toEqual(theirs)
})
