import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { local } from '../../src/lab/local.ts'
import type { Machine } from '../../src/lab/machine.ts'
import { build, root } from '../dist.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { offerNode } from './package/node-for-trixie.ts'

/** What somebody gets who has no checkout: the tarball of npm, and the package for Debian. */
let temp: string
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'provision-package-'))
  await build()
})
afterAll(() => rm(temp, { recursive: true }))

const smallest = join(root, 'inventory/examples/smallest.json')
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

describe('the tarball', () => {
  let tarball: string
  let files: string[]
  const at = (name: string) => join(temp, 'user', name)
  /** In the folder of a user, whatever it says and however it ends. */
  const there = async (line: string) => {
    const script = 'cd "$1" && shift && code=0; eval "$1" 2>&1 || code=$?; echo "exit code $code"'
    return local(['sh', '-c', script, 'sh', join(temp, 'user'), line])
  }
  beforeAll(async () => {
    await mkdir(join(temp, 'user'))
    // The build was made above: one that runs again would take it away from the tests beside this one.
    const words = ['--json', '--ignore-scripts', '--pack-destination', temp]
    const [packed] = JSON.parse(await local(['npm', 'pack', root, ...words]))
    tarball = join(temp, packed.filename)
    files = packed.files.map(({ path }: { path: string }) => path)
    await there(`npm install --prefer-offline --no-audit --no-fund 'provision@file:${tarball}'`)
  })

  test('is small, and holds nothing twice and nothing of the development', async () => {
    expect((await stat(tarball)).size).toBeLessThan(1.5e6)
    const wanted = /^(bin\/|dist\/|docs\/[\w-]+\.md$|inventory\/examples\/|[A-Z]+(\.\w+)?(\.md)?$|package\.json$)/
    expect(files.filter((file) => !wanted.test(file) || file.endsWith('.map'))).toEqual([])
    for (const file of ['dist/cli.js', 'dist/types/index.d.ts', 'dist/licences.txt', 'LICENSE'])
      expect(files).toContain(file)
  })

  test('runs where it is installed, in an empty folder', async () => {
    expect(await there('node_modules/.bin/provision --version')).toBe(`${version}\nexit code 0\n`)
    expect(await there(`node_modules/.bin/provision schema ${smallest}`)).toContain(
      '1 gateway, 1 device, 1 forward\nexit code 0\n',
    )
    // What the bundles leave to files beside them.
    expect(await there(`node_modules/.bin/provision schema | head -c 20`)).toContain('"$schema"')
  })

  test('a playbook of the user is checked against its types, and runs', async () => {
    const page = await readFile(join(root, 'docs/playbooks.md'), 'utf8')
    const example = /```ts\n(import [\s\S]*?)```/.exec(page)?.[1] ?? ''
    await writeFile(at('motd.ts'), example)
    await writeFile(at('wrong.ts'), example.replace('content: greeting(device)', 'content: device'))
    const options = '--noEmit --strict --module nodenext --target es2023 --lib es2023 --types ""'
    const check = (file: string) => there(`${join(root, 'node_modules/.bin/tsc')} ${options} ${file}`)
    expect(await check('motd.ts')).toBe('exit code 0\n')
    expect(await check('wrong.ts')).toContain('error TS')
    const ran = await there(`node_modules/.bin/provision ${smallest} --playbook motd.ts --check --timeout 1`)
    expect(ran).toContain('unreachable')
    expect(ran).toContain('exit code 3\n')
  })
})

describe('the package for Debian, on a bare Debian 13', () => {
  const name = 'bare.guest.internal'
  let it: Rehearsal
  let machine: Machine
  const said = async (script: string) => {
    const { code, stdout, stderr } = await machine.sh(`{ ${script}\n} 2>&1`)
    return { code, said: stdout + stderr }
  }
  const filesIn = async () => (await machine.sh('find / -xdev -newer /srv/begin -name "*provision*" | sort')).stdout
  beforeAll(async () => {
    it = await rehearse({ login: { user: 'root' }, gateways: { [name]: {} }, devices: {} }, { suite: 'trixie' })
    machine = it.lab.machine(name)
    await offerNode(machine)
    const deb = (await local(['sh', join(root, 'scripts/deb.sh'), temp])).trim()
    expect(basename(deb)).toBe(`provision_${version}_all.deb`)
    await cp(deb, join(machine.root, 'srv', basename(deb)))
    await cp(smallest, join(machine.root, 'srv/inventory.json'))
    await machine.sh('touch /srv/begin')
  })
  afterAll(() => it?.down())

  test('apt installs it, with the Node that it needs', async () => {
    const { code, said: words } = await said(
      `command -v node || apt-get -q -y --no-install-recommends install /srv/provision_${version}_all.deb`,
    )
    expect(code, words).toBe(0)
    expect(words).toContain(`Setting up provision (${version})`)
    expect((await machine.sh('command -v node')).stdout).toBe('/usr/bin/node\n')
  })

  test('it runs, for everybody', async () => {
    expect(await said('runuser -u nobody -- provision --version')).toEqual({ code: 0, said: `${version}\n` })
    expect(await said('provision schema /srv/inventory.json')).toMatchObject({
      code: 0,
      said: expect.stringContaining('1 gateway, 1 device, 1 forward'),
    })
  })

  test('its man page and its completions are where man and the shells look', async () => {
    const { said: words } = await said('dpkg -L provision')
    for (const file of [
      'man/man1/provision.1.gz',
      'bash-completion/completions/provision',
      'zsh/vendor-completions/_provision',
      'fish/vendor_completions.d/provision.fish',
    ])
      expect(words).toContain(`/usr/share/${file}\n`)
  })

  test('apt takes it away, and nothing of it is left', async () => {
    expect(await filesIn()).toContain('/usr/lib/provision')
    expect(await said('apt-get -q -y purge provision')).toMatchObject({ code: 0 })
    expect((await filesIn()).split('\n').filter((file) => file !== '' && !file.startsWith('/srv/'))).toEqual([])
  })
})
