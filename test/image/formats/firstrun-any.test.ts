import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boxOf, card, expectSettled, firstrunBox } from '../firstrun-box.ts'
import { fresh } from '../kit.ts'
import { refusal } from './files.ts'

describe('any firstrun.sh', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/)
  const simple = fc.oneof(
    word.map((name) => `did ${name}`),
    word.map((name) => `did "$(echo ${name})" '${name}' \\\n  ${name}`),
    word.map((name) => `cat <<'END' >/dev/null\nrm -f /boot/firmware/firstrun.sh\nexit 0\n${name}\nEND\ndid ${name}`),
    word.map((name) => `cat <<-END | while read -r line; do did "$line"; done\n\t${name}\n\tEND`),
    fc.constantFrom(
      'true',
      'false',
      '# a comment: fi',
      "trap 'did trapped' EXIT",
      'set +e',
      'exit 0',
      'exit 4',
      'rm -f /boot/firstrun.sh',
      'rm -f /boot/firmware/firstrun.sh',
      "sed -i 's| systemd.run.*||g' /boot/firmware/cmdline.txt",
      'reboot',
      'exec did replaced',
      // Of the shell that runs it: in a subshell `$$` is another one, and who is faster is a matter of luck.
      "sh -c 'kill -TERM $PPID'",
    ),
  )
  const block: fc.Arbitrary<string> = fc.letrec<{ block: string; blocks: string[] }>((tie) => ({
    block: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      simple,
      fc
        .tuple(fc.constantFrom('true', 'false', '[ -f /boot/firmware/firstrun.sh ]'), tie('blocks'), tie('blocks'))
        .map(([test, one, other]) => `if ${test}; then\n${one.join('\n')}\n:\nelse\n${other.join('\n')}\n:\nfi`),
      fc.tuple(word, tie('blocks')).map(([name, body]) => `f_${name}() {\n${body.join('\n')}\n:\n}\nf_${name}`),
      tie('blocks').map((body) => `for n in 1 2; do\n${body.join('\n')}\n:\ndone`),
      tie('blocks').map((body) => `(\n${body.join('\n')}\n:\n)`),
    ),
    blocks: fc.array(tie('block'), { maxLength: 3 }),
  })).block
  const script = fc
    .record({
      shell: fc.constantFrom('bash', 'sh'),
      body: fc.array(block, { maxLength: 6 }),
      broken: fc.option(fc.constantFrom('fi', 'if true; then', '}', 'done', ')', "'"), { freq: 8 }),
      end: fc.constantFrom('\n', '\n', '\n', '\n', '\r\n'),
    })
    .map(({ shell, body, broken, end }) =>
      [`#!/bin/${shell}`, ...body, ...(broken ? [broken] : []), ''].join('\n').replaceAll('\n', end),
    )

  /** What the script does on a card by itself: each boot that it would get until it has taken itself out of the command line. */
  function alone(text: string): string[] {
    const box = firstrunBox(fresh.firstrun)
    box.put('firstrun.sh', text)
    box.put('cmdline.txt', 'quiet systemd.run=/boot/firmware/provision-start.sh\n')
    spawnSync('setsid', ['-w', join(box.root, 'boot/firmware/firstrun.sh')], {
      env: { PATH: `${box.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
      cwd: '/',
    })
    return box.log().filter((line) => line.startsWith('did'))
  }

  test('is refused, or runs as it would by itself, behind the seed, and no boot loop is left', () => {
    const seen = { refused: 0, taken: 0 }
    fc.assert(
      fc.property(script, (text) => {
        const parses = spawnSync(text.startsWith('#!/bin/bash') ? 'bash' : 'dash', ['-n'], { input: text }).status === 0
        const refused = refusal('firstrun', card(text))
        expect(refused === 'none').toBe(parses && !text.includes('\r'))
        if (refused !== 'none') return void seen.refused++
        seen.taken++
        const box = boxOf(text)
        box.boot()
        const [, first, ...rest] = box.log()
        expect(first).toBe('seed')
        expect(rest.filter((line) => line.startsWith('did'))).toEqual(alone(text))
        // It reboots, or people can log in.
        expect(rest.some((line) => line === 'reboot' || line.startsWith('as ever'))).toBe(true)
        for (let boots = 0; boots < 10; boots++) box.boot()
        box.end()
        expect(box.log().at(-1)).toMatch(/^as ever/)
        expect(box.log().filter((line) => line.startsWith('dead'))).toEqual([])
        expectSettled(box)
      }),
      { numRuns: 40 },
    )
    expect(seen.refused * seen.taken).toBeGreaterThan(0)
  }, 300_000)
})
