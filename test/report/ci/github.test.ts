import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { annotate, annotationsOf } from '../../../src/report/ci/github.ts'
import { inert, printJson } from '../../../src/report/inert.ts'
import { printPlan } from '../../../src/report/terminal/plan.ts'
import { markdown } from '../../../src/report/terminal/summary.ts'
import { printReport } from '../../../src/report/terminal/text.ts'
import { night, source, spokenBy } from '../night.ts'
import { commandsIn } from '../runner.ts'

test('each thing that is wrong is an error at its line of the inventory, the worst first', () => {
  expect(annotate(annotationsOf(night, source))).toMatchInlineSnapshot(`
    "::error file=sites/fleet.json,line=30,col=5,title=pi-off%3A unreachable::no route worked%0Ahint: is it switched on?
    ::error file=sites/fleet.json,line=40,col=5,title=pi-odd%3A rejected::file /etc/motd: is a link
    ::error file=sites/fleet.json,line=1002,col=9,title=[%3A%3A1]%3A9002 on ssh-gw%3A stale::the port is open, but nothing answers%0Ahint: wait
    ::error file=sites/fleet.json,line=40,col=5,title=127.0.0.1%3A9003 on ssh-gw%3A unverified::no
    ::error file=sites/fleet.json,line=10,col=5,title=ssh-gw%3A no shell%3A fails::it said: root
    ::error file=sites/fleet.json,line=20,col=5,title=pi-drift%3A differs::file /etc/motd: rewrite
    "
  `)
  expect(
    commandsIn(annotate(annotationsOf(night, source))).map(({ properties: { title, line } }) => [line, title]),
  ).toEqual([
    ['30', 'pi-off: unreachable'],
    ['40', 'pi-odd: rejected'],
    ['1002', '[::1]:9002 on ssh-gw: stale'],
    ['40', '127.0.0.1:9003 on ssh-gw: unverified'],
    ['10', 'ssh-gw: no shell: fails'],
    ['20', 'pi-drift: differs'],
  ])
})

test('what the runner reads is what was meant, to the letter', () => {
  const message = 'first: 50 % of it, %0A is no line end\nsecond, and `::error::` ends nothing'
  const [command] = commandsIn(annotate([{ file: 'a,b:c%.json', line: 3, column: 7, title: 'x: y, z', message }]))
  expect(command).toEqual({
    name: 'error',
    properties: { file: 'a,b:c%.json', line: '3', col: '7', title: 'x: y, z' },
    data: message,
  })
})

test('what a run would do, and only shows, is a notice', () => {
  const levels = (command: 'check' | 'verify') =>
    commandsIn(annotate(annotationsOf({ ...night, command }, source))).map(({ name }) => name)
  expect(levels('check')).toEqual(['error', 'error', 'error', 'error', 'error', 'notice'])
  expect(new Set(levels('verify'))).toEqual(new Set(['error']))
})

test('a run in which all is well has none', () => {
  expect(annotationsOf({ ...night, hosts: [], forwards: [], proofs: [] }, source)).toEqual([])
  expect(annotate([])).toBe('')
})

test('GitHub shows ten errors of a step, so the tenth says how many there are more', () => {
  const [one] = annotationsOf(night, source)
  const many = (count: number) => commandsIn(annotate(Array.from({ length: count }, () => one ?? expect.fail())))
  expect(many(10).map(({ data }) => data)).not.toContain('1 more: see the summary or the log')
  expect(many(11)).toHaveLength(10)
  expect(many(11).at(-1)?.data).toBe('2 more: see the summary or the log')
})

describe('no word of a host is a command to the CI', () => {
  const attack = fc.constantFrom(
    '::error::x',
    '  ::add-mask::x',
    '\u00a0::stop-commands::x',
    '\u2003::Set-Env name=PATH::x',
    '::\x07error::x',
    '##[error]x',
    'a ##[add-path]/tmp',
    '#\x00#[set-env name=a;]b',
    '###[group]x',
    '\n::error::x',
    '\r::error file=a::x',
    '\r\n::debug::',
  )
  const said = fc.array(fc.oneof(attack, fc.string()), { minLength: 1 }).map((parts) => parts.join(''))
  const noCommands = (log: string) => expect(commandsIn(log)).toEqual([])

  test('the reader of these tests does see them', () => {
    for (const text of ['::error::x', ' ::add-mask::x', 'a ##[add-path]/tmp', 'a\r::group::x'])
      expect(commandsIn(text), text).toHaveLength(1)
    expect(commandsIn(`${printReport(spokenBy('a'), { color: false, diffs: true })}::error::x`)).toHaveLength(1)
  })

  test('in what is printed', () => {
    fc.assert(
      fc.property(said, fc.boolean(), (text, diffs) => {
        const report = spokenBy(text)
        noCommands(printReport(report, { color: false, diffs }))
        noCommands(printPlan(report, { color: false, diffs }))
        noCommands(inert(text))
        noCommands(markdown(report))
      }),
    )
  })

  test('in the JSON document, whose values stay what they are', () => {
    fc.assert(
      fc.property(said, (text) => {
        const document = printJson(spokenBy(text))
        noCommands(document)
        expect(JSON.parse(document)).toEqual(spokenBy(text))
      }),
    )
  })

  test('in an annotation: it is one, and no other', () => {
    fc.assert(
      fc.property(said, (text) => {
        const annotations = annotationsOf(spokenBy(text), source)
        const commands = commandsIn(annotate(annotations))
        expect(commands.map(({ name }) => name)).toEqual(annotations.map(() => 'error'))
        expect(commands.map(({ properties: { file } }) => file)).toEqual(annotations.map(() => source.file))
      }),
    )
  })
})

test('what is no command stays as it is: addresses, diffs, comments', () => {
  const text = '::1 port 22: refused\n[::1]:9024 on gw\n  ::\n## a heading\n#[x]\n- ##comment\nstd::vec::Vec\n'
  expect(inert(text)).toBe(text)
})
