import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lines, quote, type Sh, sh } from '../../src/shell/sh.ts'

const dash = (script: string) => execFileSync('dash', ['-s'], { input: script, maxBuffer: 1 << 26 }).toString('utf8')
const texts = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''))
const nasty = fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?~ \n\t;&|<>(){}[]#=-éx`), maxLength: 20 })

describe('quote', () => {
  test('makes one word of any text, which dash reads back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(texts, nasty), { minLength: 200, maxLength: 300 }), (words) => {
        const out = dash(words.map((word) => `printf '%s\\0' ${quote(word)}\n`).join(''))
        expect(out.split('\0').slice(0, -1)).toEqual(words)
      }),
      { numRuns: 10 },
    )
  })

  test('makes no option, assignment, glob or empty place out of a word', () => {
    const words = ['', '=x', 'a=b', '~', '*', '#', '-n', '$HOME', '!!', 'a b', "'", "''", '\n', '\\', '{a,b}']
    expect(dash(`set -- ${words.map(quote).join(' ')}\nfor word; do printf '%s\\0' "$word"; done`).split('\0')).toEqual(
      [...words, ''],
    )
  })

  test('leaves a plain word plain, so that a script reads as a person would type it', () => {
    expect(['/etc/ssh/sshd_config', 'user=tunnel,host=x', "it's"].map(quote)).toEqual([
      '/etc/ssh/sshd_config',
      'user=tunnel,host=x',
      `'it'\\''s'`,
    ])
  })

  test('refuses a NUL, which no argument can hold', () => {
    expect(() => quote('a\0b')).toThrow(RangeError)
    expect(() => sh`echo ${'a\0b'}`).toThrow('NUL')
  })
})

describe('sh', () => {
  const text = (piece: Sh) => piece.text

  test('quotes what is put in, and leaves shell as it is', () => {
    expect(text(sh`echo ${'a b'} ${7} ${sh`"$x"`} | sed 's/\(a\)/\1/'`)).toBe(
      `echo 'a b' 7 "$x" | sed 's/\\(a\\)/\\1/'`,
    )
  })

  test('makes an array several words, and an empty array none', () => {
    expect(text(sh`useradd ${['--shell', '/bin/my shell', [sh`"$a"`]]} ${[]}x`)).toBe(
      `useradd --shell '/bin/my shell' "$a" x`,
    )
  })

  test('takes off the indentation that all lines share, and no more', () => {
    const piece = sh`
      if a; then

        b
      fi
    `
    expect(text(piece)).toBe('if a; then\n\n  b\nfi')
  })

  test('never touches the lines of what is put in', () => {
    const piece = sh`
      printf %s ${'  first\n    second\n'} >"$stage/candidate"
      ${sh`a\n   b`}
    `
    expect(text(piece)).toBe(`printf %s '  first\n    second\n' >"$stage/candidate"\na\\n   b`)
  })

  test('writes a dollar-brace and a backtick where JavaScript needs a backslash', () => {
    expect(text(sh`echo "\${x%/*}" \`date\` \\n`)).toBe(['echo "$', '{x%/*}" `date` \\\\n'].join(''))
  })

  test('carries any text through dash, wherever in a word it stands', () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 100, maxLength: 100 }), (words) => {
        const script = lines(...words.map((word) => sh`printf '%s\0' a${word}"b"${[word, 1]}`))
        expect(dash(script.text).split('\0')).toEqual([...words.flatMap((word) => [`a${word}b${word}`, '1']), ''])
      }),
      { numRuns: 5 },
    )
  })
})

test('lines stand below each other, without the empty ones', () => {
  expect(lines(sh`a`, undefined, sh``, sh`b`).text).toBe('a\nb')
})
