import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../../../src/resources/resource.ts'
import { observeScript, parseObservations } from '../../../../src/run/plan/observation.ts'
import { parseAnswer } from '../../../../src/run/transaction/script.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { thing } from './thing.ts'

describe('what a look printed', () => {
  const [a, b] = [thing('a'), thing('b')]
  const mark = 'seen-1'
  const looked = (resources: readonly Resource[], before = '') =>
    parseObservations(
      execFileSync('dash', ['-s'], { input: `${before}${observeScript(resources, mark)}` }),
      resources,
      mark,
    )
  const texts = (shown: ReturnType<typeof looked>) => [...shown].map(([id, { text }]) => [id, text])

  test('is what each resource showed, byte for byte, with the digest that the host will compare', () => {
    const shown = looked([a, b])
    expect(texts(shown)).toEqual([
      ['a', 'a\n'],
      ['b', 'b\n'],
    ])
    expect(shown.get('a')?.digest).toBe(createHash('sha256').update('a\n').digest('hex'))
  })

  test('is unharmed by what a host prints around it, and by one resource that fails or exits', () => {
    const broken: Resource = { ...a, id: 'broken', inspect: sh`echo half; exit 3` }
    expect(texts(looked([broken, b], "echo '@seen 0 not here'; "))).toEqual([
      ['broken', 'half\n'],
      ['b', 'b\n'],
    ])
  })

  test('is the same without a line end, with an empty one, and where a state looks like an answer of ours', () => {
    const bare: Resource = { ...a, id: 'bare', inspect: sh`printf 'no end'` }
    const none: Resource = { ...a, id: 'none', inspect: sh`:` }
    const sly: Resource = { ...a, id: 'sly', inspect: sh`printf '@seen 0 YQ==\nseen- 0\n'` }
    expect(texts(looked([bare, none, sly]))).toEqual([
      ['bare', 'no end'],
      ['none', ''],
      ['sly', '@seen 0 YQ==\nseen- 0\n'],
    ])
  })

  test('lacks a resource that did not come to its end, and ignores numbers that nobody has', () => {
    const read = (stdout: Buffer) => [...parseObservations(stdout, [a, b], mark).keys()]
    const packed = (text: string) => Buffer.concat([Buffer.from(`${mark} packed\n`), gzipSync(text)])
    const cut = (text: string) => read(packed(text))
    expect(cut(`${mark} 1\nx\n${mark} 7\ny\n${mark} 0\nhal`)).toEqual(['b'])
    expect(cut(`${mark} 0`)).toEqual([])
    expect(cut('')).toEqual([])
    const long = packed(`${mark} 0\nx\n${mark} 1\n${randomBytes(100_000).toString('base64')}\n${mark}\n`)
    expect([read(long), read(long.subarray(0, 50_000))]).toEqual([['a', 'b'], ['a']])
    expect([read(Buffer.alloc(0)), read(Buffer.from(`${mark} packed\nno gzip here`))]).toEqual([[], []])
  })

  test('is read as UTF-8, and carries any byte', () => {
    const any: Resource = { ...a, id: 'any', inspect: sh`printf ${'Größe\\n\\000\u{1f511}'}` }
    expect(looked([any]).get('any')?.text).toBe('Größe\n\0\u{1f511}')
  })
})

describe('an answer', () => {
  const a = thing('a')
  const b64 = (text: string) => Buffer.from(text).toString('base64')
  const read = (text: string) => parseAnswer(Buffer.from(text), [a])

  test.each(['waiting', 'confirmed', 'rejected', 'undone', 'undo-failed', 'never'])('says %s', (outcome) => {
    expect(read(`@\n@\n@outcome ${outcome}\n`)).toMatchObject({ outcome })
  })

  test.each(['', '@packed H4sI\n', '@outcome', '@outcome maybe\n', 'xx@outcome waiting\n'])(
    'that did not come to its end is none: %j',
    (text) => expect(read(text)).toBeUndefined(),
  )

  test('names phase, resource, exit code and words of a failure', () => {
    expect(read(`@failed validate 0 255 ${b64('bad line 3\n')}\n@outcome rejected\n`)?.failure).toEqual({
      phase: 'validate',
      resource: 'a',
      code: 255,
      message: 'bad line 3\n',
    })
  })

  test('names no resource where the phase has none', () => {
    expect(read(`@failed confirm 0 1 ${b64('nobody')}\n@outcome undone\n`)?.failure).toEqual({
      phase: 'confirm',
      code: 1,
      message: 'nobody',
    })
  })

  test('says what the undo complained of', () => {
    expect(read(`@failed commit 0 1 \n@undo ${b64('no space')}\n@outcome undo-failed\n`)).toMatchObject({
      undoErrors: 'no space',
    })
  })

  test('says who holds the lock', () => {
    expect(read(`@locked ${b64('user001 on host001\n')}\n`)).toMatchObject({
      outcome: 'locked',
      failure: { message: 'user001 on host001\n' },
    })
  })
})
