import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { boxOf, card, cleanUp, expectSettled } from '../firstrun-box.ts'
import { run, temporary } from '../kit.ts'
import { files, refusal } from './files.ts'

const reload = ['systemctl daemon-reload']
const shells = { dash: ['dash'], busybox: ['busybox', 'ash'] }

describe('a firstrun.sh that somebody has put on the card', () => {
  test('stays as it is, and what runs it is a program that dash, busybox and shellcheck have nothing against', () => {
    const made = files('firstrun', card(`#!/bin/bash\ndid all\n${cleanUp}`))
    expect(Object.keys(made).sort()).toEqual(['cmdline.txt', 'provision-seed.sh', 'provision-start.sh'])
    const path = join(temporary(), 'start.sh')
    const script = made['provision-start.sh'] ?? ''
    writeFileSync(path, script)
    run('dash', ['-n'], script)
    run('busybox', ['ash', '-n'], script)
    run('shellcheck', ['-s', 'sh', path])
    for (let at = 0; at < script.length - 3; at += 97)
      expect(run('sh', ['-c', 'dash 2>/dev/null || :'], script.slice(0, at)).toString()).toBe('')
  })

  test.each<[string, string, string[]]>([
    ['cleans up in an if', `if [ -f /boot/firmware/firstrun.sh ]; then\n${cleanUp}did gone\nfi\nexit 0\n`, ['gone']],
    ['goes on behind its clean-up', `did before\n${cleanUp}did behind\nexit 0\n`, ['before', 'behind']],
    ['removes itself where it is not', 'rm -f /boot/firstrun.sh\ndid behind\n', ['behind']],
    ['is replaced by another program', `${cleanUp}exec did exec\ndid never\n`, ['exec']],
    ['stops at its first error', `set -e\n${cleanUp}false\ndid never\n`, []],
    ['leaves by its trap', `trap 'did trap' EXIT\n${cleanUp}exit 3\n`, ['trap']],
    ['kills its whole group', `${cleanUp}did kill\nkill -9 0\ndid never\n`, ['kill']],
    ['reboots by itself', `did it\n${cleanUp}reboot\n`, ['it']],
    [
      'takes one word of the command line',
      `did it\nsed -i 's| systemd\\.run=[^ ]*||g' /boot/firmware/cmdline.txt\nreboot\n`,
      ['it'],
    ],
    ['never cleans up', 'did it\n', ['it']],
    ['is empty', '', []],
  ])('%s: it runs as it is, once, the seed first, and the device boots on', (_, body, did) => {
    for (const shell of Object.values(shells)) {
      const box = boxOf(`#!/bin/bash\n${body}`)
      box.settle(shell)
      expect(box.log().filter((line) => /^(seed|did)/.test(line))).toEqual([
        'seed',
        ...did.map((word) => `did ${word}`),
      ])
      expect(box.log().at(-1)).toMatch(/^as ever/)
      box.end()
      expectSettled(box)
    }
  })

  test('comes in several stages, with a reboot between them', () => {
    const box = boxOf(
      `#!/bin/sh\nif [ ! -e /var/stage ]; then\n: >/var/stage\ndid one\nreboot\nexit 0\nfi\ndid two\n${cleanUp}exit 0\n`,
    )
    box.settle()
    expect(box.log().filter((line) => line !== reload[0])).toEqual([
      'seed',
      'did one',
      'reboot',
      'seed',
      'did two',
      'reboot',
      'as ever',
    ])
    expectSettled(box)
  })

  test.each([
    [
      'takes the path of the boot partition for another one',
      "sed -i 's|boot/firmware|boot|g' /boot/firmware/cmdline.txt\nreboot\n",
    ],
    ['kills whatever runs it', 'kill -9 $PPID\n'],
  ])('%s: people can log in all the same', (_, body) => {
    const box = boxOf(`#!/bin/sh\ndid it\n${body}`)
    box.settle()
    expect(box.log().filter((line) => line !== 'seed' && !line.startsWith('did'))).toContain('as ever, on failure')
  })

  test('puts something else on the command line where nobody could have seen it: that is left to systemd', () => {
    const box = boxOf(
      `#!/bin/sh\ndid it\n${cleanUp}word=systemd.run\nsed -i "1s,$, $word=/boot/firmware/second.sh," /boot/firmware/cmdline.txt\n`,
    )
    box.put('second.sh', `did second\n${cleanUp}`)
    box.settle()
    expect(box.log()).toEqual(expect.arrayContaining(['seed', 'did it', 'reboot', 'did second']))
    box.boot()
    box.end()
    expectSettled(box)
  })

  test('fails: people can log in, and it is run again at the next boot', () => {
    const box = boxOf(`#!/bin/sh\ndid try\n[ -e /var/network ] || exit 6\n${cleanUp}exit 0\n`)
    expect(box.boot()).toMatchObject({
      code: 6,
      said: expect.stringContaining('firstrun.sh ended with exit code 6; it is run again'),
    })
    const on = [...reload, 'systemctl --no-block start multi-user.target', 'as ever, on failure']
    expect(box.log()).toEqual([...reload, 'seed', 'did try', ...on])
    // The seed's own unit is done meanwhile: what is still to be run stays.
    box.end()
    expect(box.has('provision-start.sh')).toBe(true)
    writeFileSync(join(box.root, 'var/network'), '')
    box.settle()
    expect(box.log().slice(6)).toEqual([...reload, 'seed', 'did try', 'reboot', 'as ever'])
    expectSettled(box)
  })

  test.each([
    ['reboots for ever', 'did try\nreboot\n', 'reboot'],
    ['fails for ever', 'did try\nexit 1\n', 'systemctl --no-block start multi-user.target'],
  ])('%s: it is left out after 8 starts, and people can log in', (_, body, each) => {
    const box = boxOf(`#!/bin/sh\n${body}`)
    for (let boots = 0; boots < 12; boots++) box.boot()
    expect(box.log().filter((line) => line === 'did try')).toHaveLength(8)
    expect(box.log().filter((line) => line === each).length).toBeGreaterThanOrEqual(8)
    expect(box.log().slice(-2)).toEqual(['as ever', 'as ever'])
    expect(box.has('firstrun.sh')).toBe(true)
    expectSettled(box)
  })

  test('with a cmdline.txt that cannot be written the device boots on, and does not reboot for ever', () => {
    const box = boxOf(`#!/bin/sh\ndid it\nrm -f /boot/firmware/firstrun.sh\n`)
    writeFileSync(join(box.root, 'bin/dd'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    expect(box.settle()).toBe(1)
    expect(box.log().at(-1)).toBe('as ever, on failure')
    expect(box.settle()).toBe(1)
  })

  test('with a seed that cannot be installed is not run yet; people can log in, and all is tried again', () => {
    const box = boxOf(`#!/bin/sh\ndid it\n${cleanUp}`)
    box.put('provision-seed.sh', 'exit 7\n')
    expect(box.boot().code).toBe(1)
    const on = [...reload, 'systemctl --no-block start multi-user.target', 'as ever, on failure']
    expect(box.log()).toEqual([...reload, ...on])
    box.put('provision-seed.sh', 'did seed\n')
    box.settle()
    expect(box.log().slice(4)).toEqual([...reload, 'did seed', 'did it', 'reboot', 'as ever'])
  })

  test.each([
    ['CRLF', '#!/bin/bash\r\ndid it\r\n', 'has Windows line endings, first in line 1'],
    ['CRLF further down', '#!/bin/bash\ndid it\r\n', 'has Windows line endings, first in line 2'],
    [
      'an if without an end',
      '#!/bin/bash\nif true; then\nrm -f /boot/firstrun.sh\n',
      'has a shell syntax error in line',
    ],
    ['a syntax error for sh', '#!/bin/sh\ndid it\nfi\n', 'has a shell syntax error in line 3'],
    [
      'a second stage',
      '#!/bin/sh\nsed -i "1s|$| systemd.run=/boot/second.sh|" /boot/cmdline.txt\n',
      'makes the kernel command line run something else after it, in line 2',
    ],
    [
      'a second stage in the place of the first',
      '#!/bin/sh\n# systemd.run=/x\nsed -i s,firstrun.sh,second.sh, /boot/firmware/cmdline.txt\n',
      'makes the kernel command line run something else after it, in line 3',
    ],
    ['no shebang', 'did it\n', 'is not a shell script'],
    ['a byte order mark', '\ufeff#!/bin/sh\n', 'is not a shell script'],
  ])('with %s is refused, by its line', (_, script, message) => {
    expect(refusal('firstrun', card(script))).toContain(`its firstrun.sh ${message}`)
  })

  test.each([
    "sed -i 's| systemd.run.*||g' /boot/cmdline.txt",
    "sed -i -e 's/ systemd\\.run=[^ ]*//g' -e 's/ systemd.unit=[^ ]*//' /boot/firmware/cmdline.txt",
    "sed -i 's| systemd.[^ ]*||g' /boot/firmware/cmdline.txt",
    'grep -q systemd.run= /boot/firmware/cmdline.txt && did it',
    "sed -i 's/quiet/splash/' /boot/firmware/cmdline.txt; rm -f /boot/firstrun.sh",
  ])('with a clean-up of its own is taken: %s', (line) => {
    expect(refusal('firstrun', card(`#!/bin/bash\n${line}\n`))).toBe('none')
  })

  test('in the words of bash alone is taken', () => {
    const script = '#!/bin/bash\nshopt -s extglob\nfor x in !(a|b); do [[ $x =~ ^c ]] && did "$x" |& cat; done\n'
    expect(refusal('firstrun', card(script))).toBe('none')
  })
})
