import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shapeNamed } from '../../../src/commands/line/catalog.ts'
import { build, provision, root } from '../../dist.ts'

// The shells as people use them: interactive, in a terminal (of script(1)), with a tab.

const own = `'${process.execPath}' '${join(root, 'bin/provision.js')}'`
const folder = mkdtempSync(join(tmpdir(), 'provision-shells-'))
beforeAll(async () => {
  await build()
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'cards'))
  // What the shell would run is printed: the words as they were completed.
  const script = `#!/bin/sh\ncase $1 in complete) exec ${own} "$@" ;; *) echo "RUNS <$*>" ;; esac\n`
  writeFileSync(join(folder, 'bin/provision'), script)
  chmodSync(join(folder, 'bin/provision'), 0o755)
  const names = (...all: string[]) => Object.fromEntries(all.map((name) => [name, {}]))
  const groups = { sensors: { devices: ['sensor{index}'], index: '01-02' } }
  const inventory = { gateways: names('vps'), devices: names('kitchen', 'garage'), groups }
  writeFileSync(join(folder, 'inventory.json'), JSON.stringify(inventory))
  writeFileSync(join(folder, 'other.json'), JSON.stringify({ gateways: {}, devices: names('attic') }))
})
afterAll(() => rmSync(folder, { recursive: true }))

const typed: readonly (readonly [begun: string, runs: string])[] = [
  ['doc', 'doctor'],
  ['doctor kit', 'doctor kitchen'],
  ['doctor other.json att', 'doctor other.json attic'],
  ['verify --lim', 'verify --limit'],
  ['verify --limit gar', 'verify --limit garage'],
  ['verify -l sensors', 'verify -l sensors'],
  ['verify --limit=kit', 'verify --limit=kitchen'],
  ['lab kill sensor02 --', 'lab kill sensor02 --help'],
  ['rotate kitchen gar', 'rotate kitchen garage'],
  ['verify --only f', 'verify --only forwards'],
  ['verify oth', 'verify other.json'],
  ['image kitchen --boot ca', 'image kitchen --boot cards'],
  ['completion z', 'completion zsh'],
  ['help und', 'help undo'],
]

const shells = {
  bash: { start: 'bash --norc --noprofile -i', first: `source <(${own} completion bash)` },
  zsh: { start: 'zsh -f -i', first: `autoload -U compinit; compinit -u -D; source <(${own} completion zsh)` },
  fish: { start: 'fish --no-config -i', first: `${own} completion fish | source` },
} as const

test.each(['bash', 'zsh', 'fish'] as const)('%s completes commands, options, hosts, groups and files', (shell) => {
  const { start, first } = shells[shell]
  const { stdout } = inTerminal(start, [first, ...typed.map(([begun]) => `provision ${begun}\t`)])
  expect(runsIn(stdout), stdout).toEqual(typed.map(([, words]) => words))
})

const inTerminal = (shell: string, lines: readonly string[]) =>
  spawnSync('script', ['-qfec', shell, '/dev/null'], {
    cwd: folder,
    input: [...lines, 'exit', ''].join('\n'),
    encoding: 'utf8',
    timeout: 120_000,
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' },
  })

const runsIn = (screen: string) =>
  [...screen.matchAll(/RUNS <([^>]*)>/g)].map(([, words = '']) => words.trim().replace(/\/$/, ''))

test('the guide says how it is switched on, as the help does', async () => {
  const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8')
  const { examples } = await shapeNamed('completion')
  expect(examples.map(([line]) => line).filter((line) => !guide.includes(`\n${line} `))).toEqual([])
})

test('zsh also finds it as a file of its own, as a package installs it', () => {
  mkdirSync(join(folder, 'site'))
  writeFileSync(join(folder, 'site/_provision'), provision(['completion', 'zsh']).stdout)
  const { stdout } = inTerminal('zsh -f -i', [
    'fpath=(site $fpath); autoload -U compinit; compinit -u -D',
    'provision doctor kit\t',
  ])
  expect(runsIn(stdout), stdout).toEqual(['doctor kitchen'])
})

test.each([
  ['bash', '-n'],
  ['zsh', '-n'],
  ['fish', '--no-execute'],
] as const)('%s finds no mistake in its script', (shell, check) => {
  const { stdout } = provision(['completion', shell])
  const file = join(folder, `completion.${shell}`)
  writeFileSync(file, stdout)
  const { status, stderr } = spawnSync(shell, [check, file], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
