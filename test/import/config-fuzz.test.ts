import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { InventoryError } from '../../src/errors.ts'
import { askingWritten } from '../../src/import/config-answers.ts'
import { askingOncePerClass } from '../../src/import/config-classes.ts'
import { foundInConfig } from '../../src/import/open-ssh.ts'
import { readTree } from '../../src/ssh/user-config/config-tree.ts'
import { parseJump } from '../../src/ssh/user-config/jump.ts'
import { fuzz } from './fuzz.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'config')
const env = { HOME: folder, PATH: process.env.PATH }

/** An included file. */
writeFileSync(join(folder, 'more'), 'Host b gw\n  Port 7\nHost *.lan\n  User site\n')

const names = ['a', 'b', 'c.lan', 'gw', '203.0.113.7']
const line = fc.oneof(
  fc.constantFrom('10.0.0.1', '203.0.113.7', 'gw.example', 'UPPER', '%h.lan', 'a').map((to) => `HostName ${to}`),
  fc.constantFrom('22', '2222', '022').map((port) => `Port ${port}`),
  fc.constantFrom('pi', 'root', '"x"').map((user) => `User=${user}`),
  fc.constantFrom('gw', 'me@gw:2222', '203.0.113.7', 'none', 'a,gw', 'ssh://me@b').map((hop) => `ProxyJump ${hop}`),
  fc.constantFrom('~/.ssh/one', '/two', '~/.ssh/%h', 'none').map((key) => `IdentityFile ${key}`),
  fc.constantFrom(
    'HostName "10.0.0.2"',
    'HostName=10.0.0.3',
    'Port\t=\t2200',
    'User pi # said',
    `Include ${folder}/more`,
  ),
  fc.constantFrom('Compression yes', 'Compression no', 'ProxyCommand ssh -p 22 -W %h:%p gw', '# nothing'),
)
const word = fc.constantFrom(...names, '*', '*.lan', '!a', '?', 'B')
const head = fc.oneof(
  { weight: 6, arbitrary: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `Host ${words.join(' ')}`) },
  fc.constantFrom('Match all', 'Match originalhost a,d', 'Match host c.lan user pi', 'Match final host 10.0.0.1'),
)
const config = fc
  .array(fc.tuple(head, fc.array(line, { maxLength: 3 })), { maxLength: 6 })
  .map((sections) =>
    sections.map(([first, lines]) => [first, ...lines.map((each) => `  ${each}`)].join('\n')).join('\n'),
  )

fuzz('a question for each class says the same as one for each name', config, 40, async (text) => {
  writeFileSync(file, text)
  const files = await readTree({ file, env })
  await askingWritten({ file, readTwice: /final/.test(text), env }, async (ask) => {
    const once = askingOncePerClass(files, ask)
    const of = async (asks: typeof ask) =>
      Promise.all([...names, 'd'].map(async (name) => [...((await asks(name)) ?? [])].toSorted()))
    expect(await of(once)).toEqual(await of(ask))
  })
})

test('two thousand hosts cost a few questions', async () => {
  const hosts = Array.from(
    { length: 2000 },
    (_, at) => `Host h${at}\n HostName 10.0.${at % 250}.9\n Port ${at + 1000}\n`,
  )
  writeFileSync(file, `${hosts.join('')}Host *\n User pi\n ProxyJump gw\n`)
  let asked = 0
  const once = askingOncePerClass(await readTree({ file, env }), async (name) => {
    asked++
    return new Map([
      ['hostname', [name === 'h0' ? '10.0.0.9' : '']],
      ['port', ['1000']],
    ])
  })
  const answers = await Promise.all(hosts.map((_, at) => once(`h${at}`)))
  expect([asked, answers[1999]?.get('hostname'), answers[1999]?.get('port')]).toEqual([1, ['10.0.249.9'], ['2999']])
})

fuzz('an import says of each host what ssh -G says', config, 25, async (text) => {
  writeFileSync(file, text)
  // Of a host that jumps through itself ssh says that it is a loop, and reads nothing.
  const found = await foundInConfig(file, { env, say: () => {} }).catch((error: unknown) => {
    if (!(error instanceof InventoryError && /ProxyJump/.test(text))) throw error
  })
  if (!found) return
  const { hosts } = found
  // A machine that is only jumped through has the user and port of the jump.
  const written = new Set(text.match(/[\w.]+/g))
  const isNamed = ({ name }: { name: string }) => written.has(name) && !/^203/.test(name)
  for (const { name, address = name, port = 22, user, jumps } of hosts.filter(isNamed)) {
    if (new RegExp(`(Jump|ProxyCommand) .*\\b${name}\\b`).test(text)) continue
    const said = execFileSync('ssh', ['-G', '-F', file, '--', name], { encoding: 'utf8', env, stdio: 'pipe' })
    const one = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(said)?.[1]
    expect([name, address.toLowerCase(), port]).toEqual([name, one('hostname')?.toLowerCase(), Number(one('port'))])
    if (user !== undefined) expect([name, user]).toEqual([name, one('user')])
    const hop = one('proxyjump')
    const wanted =
      hop !== undefined && hop !== 'none' ? hop.split(',') : /-W/.test(one('proxycommand') ?? '') ? ['gw:22'] : []
    expect(jumps.map(parseJump)).toEqual(wanted.map(parseJump))
  }
})
