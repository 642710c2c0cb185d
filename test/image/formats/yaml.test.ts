import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fresh, run, seed, type Texts, withWifi } from '../kit.ts'
import { files, refusal } from './files.ts'

/** As cloud-init's own parser reads it. */
const read = (text = ''): unknown =>
  JSON.parse(
    run(
      '/usr/bin/python3',
      ['-c', 'import sys, yaml, json; print(json.dumps(yaml.safe_load(sys.stdin)))'],
      text,
    ).toString(),
  )
const made = (boot: Texts, of = seed) => files('cloud-init', boot, of)

describe('user-data as cloud-init takes it', () => {
  test.each<[string, Texts]>([
    ['a comment behind #cloud-config', { 'user-data': '#cloud-config # by hand\npackages: [git]\n' }],
    ['a blank first line', { 'user-data': '\n  \n#cloud-config\npackages: [git]\n' }],
    ['another case', { 'user-data': '#Cloud-Config\npackages: [git]\n' }],
    ['the line ends of Windows', { 'user-data': '#cloud-config\r\npackages:\r\n- git\r\nbootcmd:\r\n- [a]\r\n' }],
    ['no line end', { 'user-data': '#cloud-config\npackages: |\n  text' }],
    ['a key twice', { 'user-data': '#cloud-config\nbootcmd: [[one]]\nruncmd: [a]\nbootcmd:\n- [two]\nruncmd: [b]\n' }],
    ['an empty bootcmd', { 'user-data': '#cloud-config\nbootcmd:\nruncmd: [b]\n' }],
    ['a bootcmd of null', { 'user-data': '#cloud-config\nbootcmd: ~ # none\nruncmd: [b]\n' }],
    ['all in one line', { 'user-data': '#cloud-config\n{bootcmd: [], runcmd: [b]}\n' }],
    ['an anchor that nothing repeats', { 'user-data': '#cloud-config\nbootcmd: &mine\n  - [one]\n' }],
    ['a document that begins and ends', { 'user-data': '#cloud-config\n---\nruncmd: [b]\n...\n' }],
    ['its name, in other words', { 'user-data': '#cloud-config\nruncmd:\n- hostnamectl set-hostname "host-a"\n' }],
    ['a number with an exponent for a text', { 'user-data': '#cloud-config\npassword: 12345e10\nother: 0o17\n' }],
  ])('what cloud-init takes is taken, and says what it said before: %s', (_, boot) => {
    const before = read(boot['user-data']) as Record<string, unknown>
    expect(read(made({ ...fresh['cloud-init'], ...boot })['user-data'])).toEqual({
      hostname: 'host-a',
      ...before,
      ssh_deletekeys: false,
      bootcmd: [
        ['sh', '-c', expect.stringContaining('sh /boot/firmware/provision-seed.sh')],
        ...((before.bootcmd ?? []) as unknown[]),
      ],
    })
  })

  test('how user-data may begin is what cloud-init says', () => {
    const begins = [
      '#cloud-config',
      '\n#CLOUD-config x',
      '#cloud-config-archive\n',
      '#cloud-config-jsonp\n',
      '#!/bin/sh',
      '\ufeff#cloud-config',
      '## template: jinja\n#cloud-config',
      '#include x',
      'hostname: x',
      ' \t#cloud-configured',
    ]
    const program = `import sys, json
from cloudinit.handlers import type_from_starts_with as kind
print(json.dumps([kind(text.encode()) == "text/cloud-config" for text in json.load(sys.stdin)]))`
    const taken = JSON.parse(run('/usr/bin/python3', ['-c', program], JSON.stringify(begins)).toString()) as boolean[]
    const ours = begins.map(
      (begin) => refusal('cloud-init', { ...fresh['cloud-init'], 'user-data': `${begin}\n` }) === 'none',
    )
    expect(ours).toEqual(taken)
    expect(taken.filter(Boolean)).toHaveLength(3)
  })

  test('any YAML that cloud-init accepts keeps its meaning', () => {
    const plain = fc.constantFrom(
      '1e3',
      '12345e10',
      '012',
      '0o7',
      'NO',
      'on',
      '~',
      '',
      '12:30:45',
      '2001-12-14',
      '=',
      '.5',
      '1_000',
      '0x1F',
      'a b',
      "'it''s'",
      '"q\\u00e9\\n"',
      '!!str 12',
      '!!binary aGk=',
      'x #y',
      'x#y',
      '*one',
      '&two v',
      'http://x:1/',
    )
    const key = fc.constantFrom(
      'alpha',
      'hostname',
      'ssh_deletekeys',
      'bootcmd',
      'runcmd',
      '"quoted"',
      '12',
      'yes',
      '? b',
      '<<',
      '&one k',
    )
    const flow: fc.Arbitrary<string> = fc.letrec<{ flow: string }>((tie) => ({
      flow: fc.oneof(
        { depthSize: 'small' },
        plain,
        fc.array(tie('flow'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        fc
          .array(fc.tuple(fc.constantFrom('a', 'b', '"c"'), tie('flow')), { maxLength: 3 })
          .map((pairs) => `{${pairs.map(([name, value]) => `${name}: ${value}`).join(', ')}}`),
      ),
    })).flow
    const deeper = (text: string) => text.replaceAll(/^/gm, '  ')
    const block: fc.Arbitrary<string> = fc.letrec<{ block: string; map: string; list: string }>((tie) => ({
      block: fc.oneof(
        { depthSize: 'small' },
        flow,
        fc
          .tuple(
            fc.constantFrom('|', '|-', '|+', '>', '>-', '|2'),
            fc.constantFrom('text', 'two\nlines\n', 'a: b\n# no comment\n\n'),
          )
          .map(([how, text]) => `${how}\n${deeper(text)}`),
        tie('map').map((map) => `\n${deeper(map)}`),
        tie('list').map((list) => `\n${list}`),
        tie('list').map((list) => `&list\n${deeper(list)}`),
      ),
      map: fc
        .array(fc.tuple(key, tie('block'), fc.constantFrom('', '# a comment', '  # deeper', '\r')), {
          minLength: 1,
          maxLength: 5,
        })
        .map((pairs) =>
          pairs.flatMap(([name, value, comment]) => [...(comment ? [comment] : []), `${name}: ${value}`]).join('\n'),
        ),
      list: fc
        .array(tie('block'), { minLength: 1, maxLength: 3 })
        .map((items) => items.map((item) => `- ${item.replace(/^\n\s*/, '').replaceAll('\n', '\n  ')}`).join('\n')),
    })).map
    const document = fc
      .tuple(fc.constantFrom('', '---\n', '%YAML 1.1\n---\n'), block, fc.constantFrom('', '\n', '\n\n', '\n...\n'))
      .map((parts) => `#cloud-config\n${parts.join('')}`)
    /** What PyYAML reads, as text that tells types apart; undefined for what it refuses, or what is no mapping. */
    const program = `import sys, yaml, json, base64
def show(text):
    try:
        value = yaml.safe_load(text)
        return sorted([repr(k), repr(v)] for k, v in value.items()) if isinstance(value, dict) else None
    except Exception:
        return None
print(json.dumps([show(base64.b64decode(line).decode()) for line in sys.stdin.read().split()]))`
    const show = (texts: readonly string[]) =>
      JSON.parse(
        run(
          '/usr/bin/python3',
          ['-c', program],
          texts.map((text) => Buffer.from(text).toString('base64')).join('\n'),
        ).toString(),
      ) as ([string, string][] | null)[]
    const texts = fc.sample(document, 1000)
    const before = show(texts)
    // What is added to each of the three files; all else is to be as before.
    const added = {
      'user-data': ["'bootcmd'", "'hostname'", "'ssh_deletekeys'"],
      'meta-data': ["'instance-id'"],
      'network-config': ["'network'", "'version'", "'wifis'"],
    }
    for (const [file, mine] of Object.entries(added)) {
      const seen = texts.flatMap((text, index) => {
        const values = before[index]
        if (!values) return []
        let now: string | undefined
        try {
          now = made({ ...fresh['cloud-init'], [file]: text }, withWifi)[file]
        } catch {
          // Refused: not all that cloud-init takes can be merged with.
        }
        return [{ text, values, now }]
      })
      const taken = seen.filter(({ now }) => now !== undefined)
      const after = show(taken.map(({ now = '' }) => now))
      const others = (all: readonly [string, string][] | null | undefined) =>
        all?.filter(([name]) => !mine.includes(name))
      const value = (all: readonly [string, string][] | null | undefined, name: string) =>
        all?.find(([one]) => one === name)?.[1]
      for (const [index, { values, text, now }] of taken.entries()) {
        expect([text, now, others(after[index])]).toEqual([text, now, others(values)])
        const theirs = value(values, "'bootcmd'") ?? '[]'
        const ours = value(after[index], "'bootcmd'")?.replace(/^\[\['sh', '-c', '[^']*'\](, )?/, '[')
        if (file === 'user-data') expect([text, ours]).toEqual([text, theirs === 'None' ? '[]' : theirs])
      }
      console.info(`${file}: of ${seen.length} mappings for PyYAML ${taken.length} get a seed`)
      expect(taken.length).toBeGreaterThan(50)
    }
  }, 60_000)
})
