import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const filesIn = (folder: string, end: RegExp) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${name}`)
    .filter((name) => end.test(name))
    .sort()
const text = (file: string) => readFileSync(join(root, file), 'utf8')

const generated = new Set(['src/inventory/file.ts', 'src/inventory/validate.js', 'src/inventory/validate.d.ts'])
const sources = filesIn('src', /\.ts$/).filter((file) => !generated.has(file) && file !== 'src/text.d.ts')
const playbooks = filesIn('playbooks', /\.ts$/)

interface Import {
  readonly from: string
  readonly to: string
  /** Gone at run time. */
  readonly type: boolean
}

/** Every import and export-from, dynamic ones too, with paths from the root of the checkout. */
const imports: readonly Import[] = [...sources, ...playbooks].flatMap((from) => {
  const code = text(from).replaceAll(/^\s*(\/\*\*|\*|\/\/).*$/gm, '')
  const found = code.matchAll(/^(?:import|export)\s([^'"]*?)from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...found].map(([, what = '', named, bare, late]) => {
    const to = named ?? bare ?? late ?? ''
    return {
      from,
      to: to.startsWith('.') ? relative(root, resolve(root, dirname(from), to)) : to,
      type: /^type\s/.test(what),
    }
  })
})

/** Who breaks it: `FILE imports FILE`. */
const offenders = (files: RegExp, allowed: RegExp, { types = true } = {}) =>
  imports
    .filter(({ from, to, type }) => files.test(from) && !allowed.test(to) && (types || !type))
    .map(({ from, to }) => `${from} imports ${to}`)
const importersOf = (module: RegExp) => [
  ...new Set(imports.filter(({ to }) => module.test(to)).map(({ from }) => from)),
]

test('the imports were found', () => {
  expect(imports.length).toBeGreaterThan(150)
  expect(importersOf(/^src\/sh\.ts$/).length).toBeGreaterThan(8)
})

describe('imports point one way', () => {
  test('a resource knows resources and shell text, and nothing else, not even node:', () => {
    expect(offenders(/^src\/resources\//, /^src\/(resource|sh)\.ts$|^src\/resources\//)).toEqual([])
  })

  test('shell text knows nothing, a resource only shell text', () => {
    expect(offenders(/^src\/sh\.ts$/, /^$/)).toEqual([])
    expect(offenders(/^src\/resource\.ts$/, /^src\/sh\.ts$/)).toEqual([])
  })

  test('plan and script know resources and shell text; a playbook the model, too', () => {
    const core = /^src\/(resource|sh|script|plan)\.ts$|\.sh$|^node:crypto$/
    expect(offenders(/^src\/(plan|script)\.ts$/, core)).toEqual([])
    expect(offenders(/^src\/playbook\.ts$/, /^src\/(recovery|resource|inventory\/model)\.ts$/)).toEqual([])
  })

  test('a playbook imports what a user may import, and other playbooks', () => {
    expect(offenders(/^playbooks\//, /^src\/index\.ts$|^playbooks\//)).toEqual([])
  })

  test('what a user may import pulls in no connection, no file and no command line', () => {
    const reached = new Set(['src/index.ts'])
    for (const file of reached)
      for (const { to } of imports.filter(({ from, type }) => from === file && !type)) reached.add(to)
    // node:net for isIP, which is no input or output.
    const harmless = /^src\/(index|playbook|recovery|resource|sh)\.ts$|^src\/(resources|inventory|tunnel)\/|^node:net$/
    expect([...reached].filter((file) => !harmless.test(file))).toEqual([])
  })

  test('nothing below the commands knows a command, and nothing below the run knows the run', () => {
    expect(importersOf(/^src\/commands\//).filter((file) => !/^src\/(cli|commands\/\S+)\.ts$/.test(file))).toEqual([])
    expect(importersOf(/^src\/provision\.ts$/)).toEqual(['src/commands/shared/run.ts'])
    expect(importersOf(/^src\/cli\.ts$/)).toEqual([])
  })

  test('transactions and checks know sessions, scripts and reports, and not the run or the command line', () => {
    const below =
      /^src\/(session|script|plan|resource|errors|pins|end|sh)\.ts$|^src\/(report|inventory|session|verify)\/|^src\/(inventory|turns)\.ts$|^node:stream$/
    expect(offenders(/^src\/(transaction\.ts|end\.ts|verify\/)/, below)).toEqual([])
  })

  test('a status knows sessions, proofs, and how the tunnels are made, and not the run or the command line', () => {
    const below =
      /^src\/(errors|last-proofs|reach|script|session|sh)\.ts$|^src\/(inventory|report|resources|status|verify)\/|^playbooks\/reverse-tunnel\//
    expect(offenders(/^src\/status\//, below)).toEqual([])
  })

  test('what a drill has hosts do knows sessions and scripts, and not the run', () => {
    const below = /^src\/(session|script|sh|errors|recovery)\.ts$|^src\/(inventory|drill)\//
    expect(offenders(/^src\/drill\//, below)).toEqual([])
  })

  test('the links of a diagnosis know what was told, and nobody to ask', () => {
    const told =
      /^src\/doctor\/(?!examine|scripts)|^src\/report\/|^src\/inventory\/(forward|model)\.ts$|^src\/(errors|pins|sh)\.ts$|^node:net$/
    expect(offenders(/^src\/doctor\/(?!examine|scripts)/, told)).toEqual([])
    expect(importersOf(/^src\/doctor\/examine\.ts$/)).toEqual(['src/commands/doctor.ts'])
  })

  test('the transports know nothing of each other, and of sessions only what a link is', () => {
    const shared =
      /^src\/(errors|pins|sh)\.ts$|^src\/session\/(failure|file|identity|known-hosts|link|output|socket)\.ts$/
    const others = /^node:|^zx\/core$|\.sh$/
    const own = (name: string) =>
      new RegExp(`${shared.source}|${others.source}|^src/session/${name}/|^(node-ssh|ssh2)$`)
    for (const name of ['node-ssh', 'openssh'])
      expect(offenders(new RegExp(`^src/session/${name}/`), own(name))).toEqual([])
  })

  test('which way an ssh_config leads is made of files, an inventory, and what ssh says', () => {
    const known =
      /^src\/ssh\/user-config\/|^src\/inventory\/(addresses|forward|model)\.ts$|^src\/session\/ssh-config\.ts$|^node:(fs\/promises|os|path)$/
    expect(offenders(/^src\/ssh\/user-config\//, known)).toEqual([])
    expect(offenders(/^src\/ssh\/session\/connections\.ts$/, /^node:events$/)).toEqual([])
  })

  test('what is put on a card knows how tunnels are made, and nobody to ask', () => {
    const known =
      /^src\/(errors|resource|resources\/mark)\.ts$|^src\/(image|inventory)\/|^src\/session\/(host-certificate|new-key|ssh-config)\.ts$|^playbooks\/(accounts\.ts|reverse-tunnel\/)|^node:(crypto|fs\/promises)$|\.sh$/
    expect(offenders(/^src\/image\/(enrolment|first-boot-files|kept-identity|people|seed)\.ts$/, known)).toEqual([])
    expect(importersOf(/^src\/homecoming\.ts$/)).toEqual(['src/run/provision.ts'])
  })

  test('what a tunnel is knows the model, resources and shell text', () => {
    expect(offenders(/^src\/tunnel\//, /^src\/(sh|resource)\.ts$|^src\/(tunnel|resources|inventory)\//)).toEqual([])
  })

  test('a report is made of values: it knows no session, no plan and no host', () => {
    expect(offenders(/^src\/report\//, /^src\/report\/|^src\/inventory\/forward\.ts$|^node:(util|stream)$/)).toEqual([])
  })

  test('what a format makes of a seed is made of values: it knows no card, no gateway and no device', () => {
    const values =
      /^src\/image\/(boot-files|kernel-line|seed|seed-script|shell-syntax|wifi)\.ts$|^src\/image\/(formats\/|runner\.sh)|^src\/(errors|sh|script)\.ts$|^node:crypto$|^(yaml|smol-toml)$/
    expect(offenders(/^src\/image\/(formats\/|wifi\.ts|seed-script\.ts|boot-files\.ts)/, values)).toEqual([])
  })

  test('what other programs say, and are told, is made of files and an inventory alone', () => {
    const files =
      /^src\/errors\.ts$|^src\/session\/ask-ssh\.ts$|^src\/(import|inventory|ssh\/user-config)\/|^yaml$|^node:(fs\/promises|path)$/
    expect(offenders(/^src\/import\//, files)).toEqual([])
    const values = /^src\/(errors|sh|ssh-config)\.ts$|^src\/(export|inventory)\//
    expect(offenders(/^src\/export\//, values)).toEqual([])
  })

  test('what reads and writes cards knows nothing of who they are for', () => {
    const cards = /^src\/image\/(card|folder|image-file|open-card|draft|fat|partition-table)\.ts$/
    const below =
      /^src\/image\/(boot-files|card|detect|draft|fat|folder|image-file|partition-table)\.ts$|^src\/errors\.ts$|^js-fatfs$|^node:/
    expect(offenders(cards, below)).toEqual([])
  })

  test('the lab is known by its own command alone', () => {
    const users = importersOf(/^src\/lab\//).filter((file) => !file.startsWith('src/lab/'))
    expect(users).toEqual(['src/commands/lab.ts'])
  })
})

describe('one door each', () => {
  test.each([
    ['node-ssh and ssh2', /^(node-ssh|ssh2)(\/|$)/, /^src\/(session\/(?!openssh)|ssh\/host-keys\/private-key\.ts)/],
    [
      'a transport',
      /^src\/session\/(node-ssh|openssh)\//,
      /^src\/session\/(transport|vouching|wire|node-ssh\/.+|openssh\/.+)\.ts$/,
    ],
    ['yargs', /^yargs/, /^src\/(cli\.ts|commands\/)/],
    ['zx, for local commands', /^zx(\/|$)/, /^src\/(session\/(ask-ssh|openssh\/ssh)|lab\/\w+)\.ts$/],
    ['jsonc-parser', /^jsonc-parser$/, /^src\/inventory(\.ts|\/)/],
    ['jiti', /^jiti$/, /^src\/playbook-file\.ts$/],
    ['js-fatfs', /^js-fatfs$/, /^src\/image\/fat\.ts$/],
    ['yaml and smol-toml', /^(yaml|smol-toml)$/, /^src\/(image\/formats\/|import\/ansible-yaml\.ts$)/],
    ['node:child_process', /^node:child_process$/, /^src\/(lab\/|session\/|image\/shell-syntax\.ts$)/],
  ])('%s', (_, module, door) => {
    expect(importersOf(module).filter((file) => !door.test(file))).toEqual([])
  })

  test('a command gets its connections where they also end', () => {
    const makers = sources.filter((file) => /[:=] wire\(\{/.test(text(file)))
    expect(makers).toEqual(['src/commands/shared/context.ts'])
    const contexts = sources.filter((file) => /\breachContext\(/.test(text(file)))
    expect(contexts).toEqual(['src/commands/shared/context.ts', 'src/drill/drill.ts', 'src/ssh/reach/reach.ts'])
  })

  test('ajv is in no source, only in what scripts/generate.js made', () => {
    expect(importersOf(/^ajv/)).toEqual([])
  })
})

test('what is pure does no input or output', () => {
  const pure =
    /^src\/(playbook|recovery|resource|sh|script|plan|fleet|change|transaction|end|resources\/.*|only-forwards|waiting|run\/wait-as-promised|report\/(?!progress|screen).*|status\/(told|history|door)|ssh-config\/files)\.ts$/
  const io = imports.filter(({ from, to, type }) => pure.test(from) && !type && to.startsWith('node:'))
  expect(io.filter(({ to }) => !/^node:(util|crypto)$/.test(to))).toEqual([])
})

describe('habits', () => {
  test('no source is longer than 250 lines', () => {
    const written = [...filesIn('src', /\.\w+$/), ...playbooks].filter((file) => !generated.has(file))
    const long = written.filter((file) => text(file).split('\n').length > 251)
    expect(long).toEqual([])
  })

  test('no default exports but playbooks', () => {
    expect(sources.filter((file) => /^export default\b/m.test(text(file)))).toEqual([])
    const recipes = playbooks.filter((file) => !/^playbooks\/.*\//.test(file))
    expect(recipes.filter((file) => !/^export default playbook\(/m.test(text(file)))).toEqual([])
  })

  test('no any', () => {
    const code = (file: string) => text(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'|`[^`]*`/gm, '')
    expect(
      [...sources, ...playbooks].filter((file) => /[:<,|&(]\s*any\b|\bas any\b|\bany\[\]/.test(code(file))),
    ).toEqual([])
  })

  test('nothing is left for later, and no test stands alone', () => {
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', '@ts-' + 'ignore', '@ts-' + 'expect'].join('|'))
    const all = [...sources, ...playbooks, ...filesIn('src', /\.sh$/), ...filesIn('test', /\.ts$/)]
    expect(all.filter((file) => marks.test(text(file)))).toEqual([])
    const alone = new RegExp(`\\b(it|test|describe)\\.${'only'}\\b`)
    expect(filesIn('test', /\.ts$/).filter((file) => alone.test(text(file)))).toEqual([])
  })

  test('only html and the style make markup', () => {
    const makers = sources.filter((file) => /new Html\(/.test(text(file)))
    expect(makers).toEqual(['src/report/html.ts', 'src/report/status/style.ts'])
  })

  test('only sh and the compiler make shell text', () => {
    const makers = sources.filter((file) => /new Sh\(/.test(text(file)))
    expect(makers.filter((file) => !/^src\/(sh|script)\.ts$/.test(file))).toEqual([])
  })
})
