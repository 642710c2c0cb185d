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

const codeOf = (file: string) => text(file).replaceAll(/^\s*(\/\*\*|\*|\/\/).*$/gm, '')

/** Every import and export-from, dynamic ones too, with paths from the root of the checkout. */
const imports: readonly Import[] = [...sources, ...playbooks].flatMap((from) => {
  const found = codeOf(from).matchAll(
    /^(?:import|export)\s([^'"]*?)from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  )
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

test('no import is overlooked', () => {
  // Counted in another way: what ends an import, and what is loaded late.
  const lines = [...sources, ...playbooks].flatMap(
    (file) => codeOf(file).match(/(\bfrom |^import |\bimport\()'[^']+'/gm) ?? [],
  )
  expect(imports.length).toBe(lines.length)
  expect(imports.length).toBeGreaterThan(1000)
})

/** The rooms of src/, from top to bottom: a file imports from its own room and from those below it. */
const layers = [
  ['src/cli.ts', 'src/index.ts'],
  ['src/commands'],
  ['src/lab'],
  ['src/drill', 'src/undo', 'src/remote', 'src/watch'],
  ['src/run'],
  ['src/run/transaction'],
  ['src/run/plan'],
  ['src/doctor', 'src/status'],
  ['src/verify'],
  ['src/image', 'src/import', 'src/export', 'src/ssh-config'],
  ['src/enrolment'],
  ['src/report'],
  ['src/ssh/reach'],
  ['src/ssh/session'],
  ['src/ssh/user-config'],
  ['src/ssh/host-keys'],
  ['src/playbook'],
  ['src/tunnel'],
  ['src/resources'],
  ['src/inventory/edit'],
  ['src/inventory/read'],
  ['src/inventory'],
  ['src/files'],
  ['src/shell'],
  ['src/errors.ts'],
] as const
const rooms = layers.flat().sort((one, other) => other.length - one.length)
const roomOf = (file: string) => rooms.find((room) => file === room || file.startsWith(`${room}/`))
const layerOf = (room: string) => layers.findIndex((layer) => (layer as readonly string[]).includes(room))

describe('imports point one way', () => {
  test('every file has a room', () => {
    expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([])
    expect(rooms.filter((room) => !sources.some((file) => roomOf(file) === room))).toEqual([])
  })

  test('no arrow points upwards, and none to a neighbour', () => {
    const up = imports.flatMap(({ from, to }) => {
      const [above, below] = [roomOf(from), roomOf(to)]
      if (!above || !below || above === below || layerOf(above) < layerOf(below)) return []
      return from === 'src/index.ts' ? [] : [`${from} imports ${to}`]
    })
    expect(up).toEqual([])
  })

  test('no file imports itself, by whatever way round', () => {
    const next = new Map<string, Import[]>()
    for (const each of imports) next.set(each.from, [...(next.get(each.from) ?? []), each])
    const done = new Set<string>()
    const circles: string[] = []
    const walk = (file: string, path: readonly string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '))
      if (done.has(file) || path.includes(file)) return
      for (const { to } of next.get(file) ?? []) walk(to, [...path, file])
      done.add(file)
    }
    for (const file of [...sources, ...playbooks]) walk(file, [])
    expect(circles).toEqual([])
  })

  test('src imports nothing from playbooks, and a playbook what a user may import, what a tunnel is, and other playbooks', () => {
    expect(offenders(/^src\//, /^(?!playbooks\/)/)).toEqual([])
    expect(offenders(/^playbooks\//, /^src\/index\.ts$|^src\/tunnel\/|^playbooks\//)).toEqual([])
  })

  test('a resource knows resources and shell text, and nothing else, not even node:', () => {
    expect(offenders(/^src\/resources\//, /^src\/(shell|resources)\//)).toEqual([])
    expect(offenders(/^src\/shell\//, /^src\/shell\//)).toEqual([])
  })

  test('a plan and a transaction are made of values, resources and shell text', () => {
    const core = /^src\/(resources|shell|run\/plan|run\/transaction)\/|^node:(crypto|zlib)$/
    expect(offenders(/^src\/run\/(plan\/(plan|observation)|transaction\/script)\.ts$/, core)).toEqual([])
  })

  test('what a user may import pulls in no connection, no file and no command line', () => {
    const reached = new Set(['src/index.ts'])
    for (const file of reached)
      for (const { to } of imports.filter(({ from, type }) => from === file && !type)) reached.add(to)
    // node:net for isIP, which is no input or output.
    const harmless =
      /^src\/(index\.ts$|files\/glob\.ts$|(playbook|shell|resources|inventory|tunnel)\/)|^(node:net|leven)$/
    expect([...reached].filter((file) => !harmless.test(file))).toEqual([])
  })

  test('the run is begun by the commands alone, and a diagnosis by its own', () => {
    expect(importersOf(/^src\/run\/provision\.ts$/)).toEqual([
      ...['src/commands/shared/refused-plans.ts', 'src/commands/shared/run.ts'],
    ])
    // A run asks why a trial was refused and why a forward is down, a watcher why a device is away.
    expect(importersOf(/^src\/doctor\/examine\.ts$/)).toEqual([
      ...['src/commands/doctor.ts', 'src/run/explain.ts', 'src/watch/cause.ts'],
    ])
    expect(importersOf(/^src\/run\/readmit\.ts$/)).toEqual(['src/run/forward-proofs.ts'])
    expect(importersOf(/^src\/lab\//).filter((file) => !file.startsWith('src/lab/'))).toEqual(['src/commands/lab.ts'])
  })

  test('the links of a diagnosis know what was told, and nobody to ask', () => {
    const told =
      /^src\/(doctor|report|tunnel)\/|^src\/inventory\/(forward|model)\.ts$|^src\/ssh\/host-keys\/(pins|known-hosts)\.ts$|^src\/shell\/|^src\/errors\.ts$|^node:net$/
    expect(offenders(/^src\/doctor\/(?!examine|scripts)/, told)).toEqual([])
  })

  test('the transports know nothing of each other, and of sessions only what a link is', () => {
    const shared =
      /^src\/(errors\.ts$|shell\/|files\/|ssh\/host-keys\/(pins|pinned|known-hosts|signed)\.ts$)|^src\/ssh\/session\/(agent-messages|connect-error|connections|end-mark|identity|link|socket)\.ts$/
    const others = /^node:|^zx\/core$|\.sh$/
    const own = (name: string) =>
      new RegExp(`${shared.source}|${others.source}|^src/ssh/session/${name}/|^(node-ssh|ssh2)$`)
    for (const name of ['node-ssh', 'openssh'])
      expect(offenders(new RegExp(`^src/ssh/session/${name}/`), own(name))).toEqual([])
  })

  test('a report is made of values: it knows no session, no plan and no host', () => {
    expect(
      offenders(
        /^src\/report\//,
        /^src\/report\/|^src\/inventory\/forward\.ts$|^src\/errors\.ts$|^node:(util|stream|crypto)$/,
      ),
    ).toEqual([])
  })

  test('what a format makes of a seed is made of values: it knows no card, no gateway and no device', () => {
    const values =
      /^src\/image\/(formats\/|medium\/boot-files\.ts$|seed\/(seed|seed-script)\.ts$|seed\/runner\.sh$)|^src\/(errors\.ts$|shell\/|resources\/mark\.ts$)|^node:(crypto|child_process)$|^(yaml|smol-toml)$/
    expect(offenders(/^src\/image\/(formats\/|seed\/seed-script\.ts)/, values)).toEqual([])
  })

  test('what reads and writes cards knows nothing of who they are for', () => {
    const below = /^src\/image\/(medium\/|formats\/detect\.ts$)|^src\/errors\.ts$|^js-fatfs$|^node:/
    expect(offenders(/^src\/image\/medium\//, below)).toEqual([])
  })
})

describe('one idea, one name', () => {
  test('no exported name stands in two files', () => {
    const files = new Map<string, string[]>()
    for (const file of [...sources, ...playbooks]) {
      const names = codeOf(file).matchAll(
        /^export (?:async )?(?:abstract )?(?:const|function\*?|class|interface|type|enum) (\w+)/gm,
      )
      for (const [, name = ''] of names) files.set(name, [...(files.get(name) ?? []), file])
    }
    const several = [...files].filter(([, all]) => new Set(all).size > 1)
    expect(files.size).toBeGreaterThan(500)
    expect(several.map(([name, all]) => `${name}: ${all.join(', ')}`)).toEqual([])
  })

  test('no decision is made on the wording of a message: what has a kind says it', () => {
    const decides =
      /\/[^/\n]+\/\w*\.test\(([\w.?]+\.)?(message|hint|what|says|summary)( \?\? '')?\)|\b(message|hint|what|says|summary)\??\.(includes|startsWith|endsWith|match)\(/
    // What ssh2 says of itself has no kind: it gets one where it is heard.
    const hears = /^src\/ssh\/session\/(identity\.ts|node-ssh\/)/
    const files = [...sources, ...playbooks].filter((file) => !hears.test(file))
    expect(files.filter((file) => decides.test(codeOf(file)))).toEqual([])
  })
})

describe('one door each', () => {
  test.each([
    [
      'node-ssh and ssh2',
      /^(node-ssh|ssh2)(\/|$)/,
      /^src\/ssh\/(session\/(?!openssh)|reach\/fetch-host-key\.ts|host-keys\/)/,
    ],
    ['a transport', /^src\/ssh\/session\/(node-ssh|openssh)\//, /^src\/ssh\/session\//],
    ['yargs', /^yargs/, /^src\/(cli\.ts|commands\/)/],
    ['zx, for local commands', /^zx(\/|$)/, /^src\/(ssh\/(user-config\/query|session\/openssh\/ssh)|lab\/\w+)\.ts$/],
    ['jsonc-parser', /^jsonc-parser$/, /^src\/inventory\//],
    ['jiti', /^jiti$/, /^src\/playbook\/load\.ts$/],
    ['js-fatfs', /^js-fatfs$/, /^src\/image\/medium\/fat\.ts$/],
    ['yaml and smol-toml', /^(yaml|smol-toml)$/, /^src\/(image\/formats\/|import\/ansible-yaml\.ts$)/],
    ['nodemailer', /^nodemailer$/, /^src\/watch\/alerts\/ways\.ts$/],
    [
      'node:child_process',
      /^node:child_process$/,
      /^src\/(lab\/|ssh\/session\/|image\/formats\/shell-syntax\.ts$|commands\/shared\/(browser|as-typed|try-watcher-key)\.ts$|watch\/(alerts\/ways|service\/(install|notify))\.ts$)/,
    ],
  ])('%s', (_, module, door) => {
    const importers = importersOf(module)
    expect(importers.length).toBeGreaterThan(0)
    expect(importers.filter((file) => !door.test(file))).toEqual([])
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
    /^src\/(playbook\/playbook|tunnel\/.*|resources\/.*|shell\/.*|run\/(fleet|change|only-forwards|wait|wait-as-promised)|run\/transaction\/.*|run\/plan\/(?!plan-file).*|report\/(?!terminal\/(progress|screen)).*|status\/(gateway-facts|tunnel-history|endpoint)|watch\/(standing|board|ledger|history|history-text|proof-time|begin|moment|gateway-sight|record\/memory|alerts\/(message|quiet))|ssh-config\/files)\.ts$/
  const io = imports.filter(({ from, to, type }) => pure.test(from) && !type && to.startsWith('node:'))
  expect(io.filter(({ to }) => !/^node:(util|crypto|zlib)$/.test(to))).toEqual([])
})

describe('habits', () => {
  test('no source is longer than 250 lines', () => {
    const written = [...filesIn('src', /\.\w+$/), ...playbooks].filter((file) => !generated.has(file))
    const long = written.filter((file) => text(file).split('\n').length > 251)
    expect(long).toEqual([])
  })

  test('no comment is wider than 120 columns', () => {
    const wide = [...sources, ...playbooks].flatMap((file) =>
      text(file)
        .split('\n')
        .flatMap((line, at) =>
          /^\s*(\*|\/\/|\/\*)/.test(line) && [...line].length > 120 ? [`${file}:${at + 1}`] : [],
        ),
    )
    expect(wide).toEqual([])
  })

  test('no ssh of ours writes addresses into the known_hosts of a host (CheckHostIP, ssh_config(5), on before OpenSSH 8.5)', () => {
    const users = [...sources, ...playbooks, ...filesIn('src', /\.sh$/), ...filesIn('playbooks', /\.sh$/)].filter(
      (file) => /UserKnownHostsFile[ =:]+(?!\/dev\/null)/.test(text(file)),
    )
    expect(users.length).toBeGreaterThan(5)
    // In the lab nobody has two addresses.
    expect(users.filter((file) => file !== 'src/lab/index.ts' && !/CheckHostIP/.test(text(file)))).toEqual([])
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
    expect(makers.filter((file) => !/^src\/shell\//.test(file))).toEqual([])
  })
})
