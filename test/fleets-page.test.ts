import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, provision, root } from './dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-fleets-'))
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const page = readFileSync(join(root, 'docs/fleets.md'), 'utf8')
/** The page shows this command and all that it says. */
const shown = (words: string, exitCode = 0) => {
  const { code, stdout, stderr } = provision(words.split(' '), { cwd: folder })
  expect(code).toBe(exitCode)
  expect(page).toContain(`$ provision ${words}\n${stdout}${stderr}`)
}
const inside = (name: string) => readFileSync(join(folder, name), 'utf8')

test('docs/fleets.md shows what init and add print and write', () => {
  const [init = ''] = page.match(/(?<=\$ provision )init site\.json --.*/) ?? []
  shown(init)
  // Every inventory has another identity.
  const first = inside('site.json').replace(/(?<="id": ")[a-z2-9]{8}(?=")/, 'k7w2m9qd')
  expect(page).toContain(`\`\`\`jsonc\n${first}\`\`\`\n`)
  shown('add site.json host-b.lan.internal host-c.lan.internal')
  const [devices = ''] = /^ {2}"devices": \{[\s\S]*?^ {2}\},\n/m.exec(inside('site.json')) ?? []
  expect(page).toContain(`\`\`\`jsonc\n${devices}\`\`\`\n`)
})

test('docs/fleets.md shows what import makes of its hosts.ini', () => {
  const [, hosts = ''] = /\$ cat hosts\.ini\n([\s\S]*?)\$ provision/.exec(page) ?? []
  writeFileSync(join(folder, 'hosts.ini'), hosts)
  shown('import hosts.ini --ports 9000-9999')
})

test('docs/fleets.md shows what import makes of its tunnel.service', () => {
  const [, unit = ''] = /\$ cat tunnel\.service\n([\s\S]*?)\$ provision/.exec(page) ?? []
  writeFileSync(join(folder, 'tunnel.service'), unit)
  shown('import tunnel.service --device pi.lan')
})

test('docs/fleets.md shows an inventory with groups, and where a mistake in one is told', () => {
  const [, groups = ''] = /```jsonc\n("groups":[\s\S]*?)```/.exec(page) ?? []
  writeFileSync(join(folder, 'whole.json'), `{ "gateways": { "gw": {} },\n${groups}}`)
  expect(provision(['schema', 'whole.json'], { cwd: folder }).stdout).toBe(
    'whole.json: correct: 1 gateway, 301 devices, 300 forwards\n',
  )
  writeFileSync(
    join(folder, 'fleet.json'),
    `{
  "gateways": { "ssh-gw.site.internal": {} },
  "groups": {
    "sensors": {
      "devices": ["sensor{index}.site.internal"],
      "index": "0001-0300",
      "settings": { "forwards": ["9{index}:localhost:22"] },
    },
  },
}
`,
  )
  shown('schema fleet.json', 2)
})
