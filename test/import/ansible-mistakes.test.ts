import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readFound } from '../../src/import/read.ts'
import { importing } from './importing.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-import-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { imported, refusal } = importing(folder)

test('what would make the inventory wrong stays out, and is told', async () => {
  const { printed, left } = await imported(
    'odd.ini',
    `gw
a ansible_host=10.0.0.1
b ansible_host=10.0.0.1
2001:db8::7x
d ansible_host=127.0.0.1 ansible_port=9000
e ansible_port=ssh
[gw]
a
[.bad]
a
[a-b]
a
`,
    { gateways: ['gw'], ports: '9000-9000' },
  )
  expect(`${printed}${left}`).toMatchInlineSnapshot(`
    "// Made.
    {
      "$schema": "./schema.json",
      "gateways": {
        "gw": { "ports": "9000-9000" },
      },
      "devices": {
        "a": { "address": "10.0.0.1", "forwards": ["127.0.0.1:9000:localhost:22"] },
        "e": {},
      },
      "groups": {
        "a-b": { "devices": ["a"] },
      },
    }
    e: ansible_port is not a number (FOLDER/odd.ini:6)
    2001:db8::7x: left out, "2001:db8::7x" is not a host name: use letters, digits, ".", "-" and "_" only (FOLDER/odd.ini:4)
    b: left out: a is at the same address and port (FOLDER/odd.ini:3)
    d: left out: 127.0.0.1 is an address on a gateway, and the file does not say on which one (FOLDER/odd.ini:5)
    e: has no forward: --ports has no port left for it (FOLDER/odd.ini:6)
    gw: the group is left out, a host has the same name (FOLDER/odd.ini:1)
    .bad: the group is left out, ".bad" is not a group name: begin with a letter, a digit or "_""
  `)
})

test('a file that cannot be read is told with its place', async () => {
  expect(
    [
      await refusal('bad.ini', '[ok]\na\n[ok:vrs]\nx=1\n  b port\n[v:vars]\nnothing\n[h]\nc x="\nd[1:\n'),
      await refusal('bad.yml', 'all:\n  hosts:\n   a: {\n'),
      await refusal('bad.yml', 'all:\n  host: {}\n'),
      await refusal('bad.yml', 'all: [a]\n'),
      await refusal('bad.yml', '- a\n'),
      await refusal('empty.ini', '# nothing\n'),
      await refusal('program', '#!/bin/sh\necho {}\n'),
      await refusal('ports.ini', 'gw\na\n', { gateways: ['gw'], ports: 'many' }),
      await readFound(join(folder, 'nothing'), { env: {}, say: () => {} }).catch((error: Error) =>
        error.message.replace(folder, 'FOLDER'),
      ),
    ].join('\n'),
  ).toMatchInlineSnapshot(`
    "FOLDER/bad.ini:3:1 [ok:vrs]: not a section that Ansible knows
    FOLDER/bad.ini:5:3 port: expected NAME=VALUE after the name of a host
    FOLDER/bad.ini:7:1 expected NAME=VALUE in a section of variables
    FOLDER/bad.ini:9:1 a quote does not end on this line
    FOLDER/bad.ini:10:1 d[1:: not a valid range of hosts; if it is not an inventory in INI, give its format with --from
    FOLDER/bad.yml:4:1 Flow map in block collection must be sufficiently indented and end with a }; if it is not an inventory in YAML, give its format with --from
    no host of the file can be in an inventory:
      all.host: a group has only hosts, vars and children (FOLDER/bad.yml); undefined
    no host of the file can be in an inventory:
      all: it is no group, which consists of hosts, vars and children (FOLDER/bad.yml); undefined
    FOLDER/bad.yml: contains no groups; an inventory in YAML begins with "all:"
    there is no host in the file; check that it is the right file, and give its format with --from
    FOLDER/program is a program; run it: ansible-inventory -i FOLDER/program --list >hosts.json, and import that
    --ports: "many" is not a range of ports: write the first and the last, as in "9000-9999"; undefined
    FOLDER/nothing cannot be read (ENOENT)"
  `)
})
