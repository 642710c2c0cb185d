import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'

// The built command, not the sources: what a playbook gets for `import … from 'provision'` is dist/index.js.

const folder = mkdtempSync(join(tmpdir(), 'provision-playbook-'))
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const inventory = join(root, 'inventory/examples/smallest.json')
function written(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
/** What a run with this playbook says: it begins only with a playbook that loads. */
const run = (file: string, ...words: string[]) =>
  provision([
    inventory,
    '--playbook',
    file,
    '--check',
    '--json',
    '--limit',
    'host-a.lan.internal',
    '--timeout',
    '1',
    ...words,
  ])

test.each([
  [
    'TypeScript',
    'own.ts',
    `import { managedFile, on, playbook, sh, type Device, type Sh } from 'provision'
     const piece: Sh = sh\`echo \${'a b'}\`
     export default playbook(({ devices }) => [
       on(devices, (device: Device) => { console.error('seen ' + device.name + ' ' + piece.text); return [managedFile('/etc/motd', { content: 'x' })] }),
     ])`,
  ],
  [
    'JavaScript',
    'own.js',
    `import { managedFile, on, playbook, sh } from 'provision'
     export default playbook(({ devices }) => [
       on(devices, (device) => { console.error('seen ' + device.name + ' ' + sh\`echo \${'a b'}\`.text); return [managedFile('/etc/motd', { content: 'x' })] }),
     ])`,
  ],
])('a playbook of one’s own in %s is loaded and asked', (_, name, text) => {
  const { code, stdout, stderr } = run(written(name, text))
  expect(stderr).toContain("seen host-a.lan.internal echo 'a b'")
  expect([code, JSON.parse(stdout).hosts.map((host: { name: string }) => host.name)]).toEqual([
    3,
    ['host-a.lan.internal'],
  ])
})

test('a playbook may import another file beside it, without a type or an ending of its own', () => {
  written('part.ts', `export const name: string = 'part'`)
  const { stderr } = run(
    written(
      'whole.ts',
      `import { playbook } from 'provision'\nimport { name } from './part.ts'\nexport default playbook(() => { console.error('with ' + name); return [] })`,
    ),
  )
  expect(stderr).toContain('with part')
})

test.each([
  ['is not there', 'missing.ts', undefined, /missing\.ts: .*(Cannot find|ENOENT|no such)/, 'see docs/playbooks.md'],
  ['cannot be read', 'syntax.ts', 'export default (', /syntax\.ts: /, 'see docs/playbooks.md'],
  ['throws', 'throws.js', `throw new Error('no luck')`, /throws\.js: no luck$/m, 'see docs/playbooks.md'],
  [
    'exports something else',
    'other.ts',
    'export default { steps: [] }',
    /other\.ts: its default export is not a playbook$/m,
    'write `export default playbook((inventory) => […])`',
  ],
  [
    'exports nothing',
    'none.js',
    'export const x = 1',
    /none\.js: its default export is not a playbook$/m,
    'write `export default playbook((inventory) => […])`',
  ],
])('a playbook that %s ends with 2, and contacts nobody', (_, name, text, said, hint) => {
  const { code, stdout, stderr } = run(text === undefined ? join(folder, name) : written(name, text))
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^provision: error: /)
  expect(stderr).toMatch(said)
  expect(stderr).toContain(`provision: hint: ${hint}`)
})

test('a playbook of one’s own runs no command line when it is only imported', () => {
  const dist = pathToFileURL(join(root, 'dist/index.js')).href
  const { stdout, stderr, status } = spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    `console.log(Object.keys(await import('${dist}')).sort().join(' '))`,
  ])
  expect([status, stderr.toString()]).toEqual([0, ''])
  expect(stdout.toString()).toMatchInlineSnapshot(`
    "absent account authorizedKeys deliveredSpare formerKeys hostKeys hostKeysAfterReload hostKeysOf inspectHeldForwards installedPackage isForwardRoute keyPair known knownHost lastingStorage lines lookedAt managedFile managedFiles marked nameOnGateways nextHostKeys nextHostKeysOf noSystemAccount on onTrial overlap parseHeldForwards parseKeyLine parseListener parseMark pinnedKeys playbook precondition printForward printListener printMark programs prove proveFirst publicKey reachedOn runningSshd sh socketName spareHostKey sshdSettings switchHostKeys systemAccounts systemdUnit systemdUnits tell tellOthers unitsRead verify versionOf versions whoseKey withoutMark withoutMarkLine
    "
  `)
})
