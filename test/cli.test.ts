import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, provision, root } from './dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-cli-'))
beforeAll(build)
afterAll(() => rmSync(folder, { recursive: true }))

const lan = 'inventory/examples/guest-lan.json'

describe('a machine that is no Linux', () => {
  test('Windows itself is refused, and told where it works', () => {
    const { code, stderr } = provision(['schema', lan], { platform: 'win32' })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^provision: error: .*Windows.*\nprovision: hint: .*WSL/)])
  })

  test('on macOS all works but the lab', () => {
    expect(provision(['schema', lan], { platform: 'darwin' })).toMatchObject({ code: 0, stderr: '' })
    const { code, stderr } = provision(['lab', 'up', lan], { platform: 'darwin' })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/needs Linux.*\nprovision: hint: .*virtual machine/)])
  })
})

describe('wrong words are told with a hint, and contact nobody', () => {
  test.each([
    [[lan, '--nothing-like-it'], 'provision apply has no option --nothing-like-it'],
    [['verify', lan, '--check'], 'provision verify has no option --check'],
    [['status', lan, '-vn'], 'provision status has no option -v'],
    [[lan, 'another.json'], 'another.json'],
    [[lan, '--limit'], 'limit'],
    [['verify', lan, '--only', 'hosts'], 'hosts'],
    [['verify', lan, '--only', 'forwards', '--least-privilege'], 'mutually exclusive'],
    [
      ['lab', 'reflash', lan, 'host-a.lan.internal', '--seed', 'x', '--image', 'y'],
      'mutually exclusive',
      'lab reflash',
    ],
  ])('%j', (words, said, command = words[0] === lan ? 'apply' : words[0]) => {
    const { code, stdout, stderr } = provision(words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^provision: error: /)
    expect(stderr).toContain(said)
    expect(stderr).toContain(`provision: hint: see \`provision help ${command}\``)
  })

  test.each(['verify', 'ssh-config', 'trust', 'status'])('%s without an inventory', (command) => {
    expect(provision([command])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'provision: error: expected an inventory file: there is no inventory.json here, and PROVISION_INVENTORY is not set\n' +
        'provision: hint: name your inventory, or write a first one with `provision init`\n',
    })
  })

  test.each([
    [[lan, '--chekc'], '--check'],
    [[lan, '--forcks', '3'], '--forks'],
    [['verfy', lan], 'verify'],
    [['verfy'], 'verify'],
    [['chekc'], 'check'],
    [['help', 'statsu'], 'status'],
    [['lab', 'kil', 'pi'], 'kill'],
  ])('%j was a slip of the finger', (words, meant) => {
    const { code, stderr } = provision(words)
    expect([code, stderr.split('\n')[1]]).toEqual([2, `provision: hint: did you mean ${meant}?`])
  })

  test.each([
    [
      ['status', 'sensor7'],
      'sensor7: there is no such file',
      'name your inventory, a JSON file; for one host: --limit sensor7',
    ],
    [['export', 'fleet'], 'fleet: there is no such file', 'name your inventory, a JSON file'],
    [['doctor', lan], 'DEVICE is missing', 'usage: provision doctor [INVENTORY] DEVICE [OPTION…]'],
    [['export', lan], '--format ansible is missing', 'usage: provision export [INVENTORY] [OPTION…]'],
    [['inventory'], 'inventory is neither a command nor an inventory file', 'see `provision help`'],
  ])('%j: what is missing, or meant', (words, said, hint) => {
    const { code, stdout, stderr } = provision(words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`provision: error: ${said}`)
    expect(stderr).toContain(`provision: hint: ${hint}\n`)
  })
})

test.each([['0'], ['86401'], ['soon']])('verify --wait %s is no time, and contacts nobody', (wait) => {
  const { code, stdout, stderr } = provision(['verify', lan, '--wait', wait])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('--wait takes seconds, from 1 to 86400')
})

describe('an inventory', () => {
  test('that is not there', () => {
    expect(provision(['nowhere.json'])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'provision: error: nowhere.json: there is no such file\nprovision: hint: name your inventory, a JSON file\n',
    })
  })

  test.each([[], ['--check'], ['--json']])(
    'that is broken ends every run with 2, before anybody is contacted %s',
    (...words) => {
      const file = join(folder, 'broken.json')
      writeFileSync(
        file,
        '{ "gateways": { "gw": { "tunelAccount": "x" } }, "devices": { "pi": { "forwards": ["9022"] } } }',
      )
      const { code, stdout, stderr } = provision([file, ...words.flat()])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('tunnelAccount')
      expect(stderr).toContain('devices.pi.forwards[0]')
      expect(stderr).not.toContain('connect')
    },
  )
})

test('a limit that no host has says which hosts there are', () => {
  const { code, stderr } = provision([lan, '--limit', 'nothing'])
  expect(code).toBe(2)
  expect(stderr).toMatchInlineSnapshot(`
    "provision: error: --limit nothing: no host of that name
    provision: hint: the hosts are ssh-gw.guest.internal, host-a.lan.internal
    "
  `)
})

test.each([
  [['status', lan, '--interval', '0'], '--interval takes whole seconds, from 1 to 3600'],
  [
    ['status', lan, '--html', '/nowhere/at/all.html'],
    '--html /nowhere/at/all.html: nothing can be written in /nowhere/at',
  ],
  [['status', lan, '--limit', 'x'], '--limit x: no host of that name'],
  [['ssh-config', lan, '--write', '--known-hosts'], '--write and --known-hosts cannot be used together'],
])('%j contacts nobody', (words, said) => {
  const { code, stdout, stderr } = provision(words)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`provision: error: ${said}\nprovision: hint: `)
})

test.each([['--version'], ['-V'], ['version'], ['-v']])('%s is that of package.json', (word) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(provision([word])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('schema prints the schema of inventories', () => {
  const { code, stdout } = provision(['schema'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(root, 'inventory/schema.json'), 'utf8')))
})

test('trust without a terminal and without --yes asks nobody', () => {
  const { code, stderr } = provision(['trust', lan])
  expect([code, stderr]).toEqual([
    2,
    'provision: error: there is no terminal to ask on\nprovision: hint: compare the fingerprints some other way and run again with --yes\n',
  ])
})

test('a host that cannot be reached ends the run with 3, and the document says why', () => {
  const file = join(folder, 'away.json')
  writeFileSync(
    file,
    JSON.stringify({
      login: { user: 'user001' },
      gateways: { gw: { address: '127.0.0.1', port: 1 } },
      devices: { pi: { address: '127.0.0.1', port: 2, via: ['direct'], forwards: ['127.0.0.1:9022:localhost:22'] } },
    }),
  )
  const { code, stdout } = provision([file, '--check', '--json', '--timeout', '2'])
  const report = JSON.parse(stdout)
  expect([code, report.exitCode, report.command]).toEqual([3, 3, 'check'])
  expect(report.hosts.map(({ name, outcome }: { name: string; outcome: string }) => [name, outcome])).toEqual([
    ['gw', 'unreachable'],
    ['pi', 'unreachable'],
  ])
})

test('a limit is a name or a glob, in any case, and may be given more than once', () => {
  const names = (...limits: string[]) => {
    const words = [join(folder, 'away.json'), '--check', '--json', '--timeout', '2']
    const { stdout } = provision([...words, ...limits.flatMap((limit) => ['--limit', limit])])
    return JSON.parse(stdout).hosts.map(({ name }: { name: string }) => name)
  }
  expect(names('P*')).toEqual(['pi'])
  expect(names('g?')).toEqual(['gw'])
  expect(names('gw', 'pi')).toEqual(['gw', 'pi'])
})

test('a password is never asked for where nobody could see the question', () => {
  expect(provision([lan, '--ask-sudo-password'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'provision: error: there is no terminal to ask for a password on\nprovision: hint: set PROVISION_SUDO_PASSWORD instead\n',
  })
})
