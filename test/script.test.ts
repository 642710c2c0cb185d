import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Change, Resource } from '../src/resource.ts'
import { managedFile, sshdSettings, systemdUnit } from '../src/resources/index.ts'
import {
  abandonScript,
  applyScript,
  confirmScript,
  lookScript,
  type Planned,
  parseAnswer,
  parseLook,
  watchScript,
} from '../src/script.ts'
import { sh } from '../src/sh.ts'
import { lookBackScript, undoScript } from '../src/undo/script.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-script-'))
afterAll(() => rmSync(folder, { recursive: true }))

const thing = (id: string): Resource => ({ id, inspect: sh`echo ${id}`, diff: () => 'converged' })
const nothingElse = { of: () => undefined, gone: () => false, failed: () => false }
function planned(resource: Resource, now: string): Planned {
  const change = resource.diff(now, nothingElse)
  if (typeof change === 'string' || 'refused' in change) throw new Error(`no change: ${JSON.stringify(change)}`)
  return { resource, change, digest: 'd'.repeat(64) }
}

const file = managedFile("/etc/it's", { content: 'END_OF_plan_sh\nEOF\n$(reboot)\n' })
const unit = systemdUnit('tunnel.service', { content: '[Service]\nExecStart=/bin/true\n' })
const sshd = sshdSettings('00-x', { match: 'User t', user: 't', settings: [['PermitTTY', 'no']] })
const resources = [thing('a fact'), file, unit, sshd]
const apply = applyScript({
  id: '20260101-abc-0',
  who: "o'neill on host001",
  patience: 20,
  resources,
  changes: [
    planned(file, 'absent\n'),
    planned(unit, 'disabled\nstopped\nabsent\n'),
    planned(sshd, 'OpenSSH_10.0\nvalid\npermittty yes\nabsent\n'),
  ],
})
const scripts = {
  look: lookScript(resources, 'seen-1'),
  apply,
  confirm: confirmScript('20260101-abc-0'),
  watch: watchScript('20260101-abc-0'),
  lookBack: lookBackScript(),
  undo: undoScript({ id: '20260102-abc-0', who: "o'neill", patience: 20, ids: ['20260101-abc-1', '20260101-abc-0'] }),
  abandon: abandonScript('20260101-abc-0', "it's\n$(reboot) `reboot`"),
}

describe('every script', () => {
  test.each(Object.entries(scripts))('to %s is read by dash and by shellcheck without a complaint', (name, script) => {
    const path = join(folder, `${name}.sh`)
    writeFileSync(path, script)
    expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
    // SC2317, SC2329: functions that are called by a name put together. SC2154: the guard sets it. SC2034: in plan.sh.
    // SC2016, SC2140: what quote writes. SC2319: `$?` of a condition is what is wanted there.
    const excluded = 'SC2317,SC2329,SC2154,SC2034,SC2016,SC2140,SC2015'
    expect(spawnSync('shellcheck', ['-s', 'sh', '-e', excluded, path]).stdout.toString()).toBe('')
  })

  test('that was cut short anywhere does nothing', () => {
    const cut = [
      ...prefixes(scripts.look),
      ...prefixes(scripts.apply),
      ...prefixes(scripts.confirm),
      ...prefixes(scripts.lookBack),
      ...prefixes(scripts.undo),
      // The rest of them is the same guard.
      ...prefixes(scripts.watch).filter((text) => text.length < 200),
      ...prefixes(scripts.abandon).filter((text) => text.length < 200),
    ]
    expect(cut.length).toBeGreaterThan(1000)
    const { called, left, said } = runAll(cut)
    expect(left).toEqual([])
    expect(said).toBe('')
    // A cut inside the first word leaves a command without words: what is there, as pr(1), gets an empty input.
    expect(called.filter((command) => !'provision'.startsWith(command))).toEqual([])
  })

  test('that is whole does run, in the same surroundings', () => {
    const { called, said } = runAll([scripts.look, scripts.apply, scripts.confirm])
    expect(called).toContainEqual(expect.stringMatching(/^sshd -T /))
    expect(called).toContainEqual(expect.stringMatching(/^mkdir -p \S+\/incoming\.\d+$/))
    expect(said).toMatch(/^@outcome never$/m)
  })

  test('holds no word that one of the resources did not quote', () => {
    expect(apply).toContain(`echo 'o'\\''neill on host001' >"$incoming/who"`)
    expect(scripts.abandon).toContain(`set -- abandon 20260101-abc-0 'it'\\''s\n$(reboot) \`reboot\`'\n`)
  })
})

/** Every cut at a line's end, and some in between; not the whole, with or without its last line end. */
function prefixes(script: string): string[] {
  const ends = [...script.matchAll(/\n/g)].map(({ index }) => index + 1)
  const between = Array.from({ length: 40 }, (_, n) => Math.floor((script.length * n * 7919) / 40) % script.length)
  const last = Array.from({ length: 50 }, (_, n) => script.length - 2 - n)
  const head = Array.from({ length: 40 }, (_, n) => n)
  return [...new Set([...ends, ...between, ...last, ...head])]
    .filter((length) => length < script.length - 1)
    .map((length) => script.slice(0, length))
}

/** Runs all of them where every command of this machine only records its words, and says what lies about afterwards. */
function runAll(texts: readonly string[]): { called: string[]; left: string[]; said: string } {
  const here = mkdtempSync(join(folder, 'run-'))
  const [bin, inputs, cwd, state] = ['bin', 'inputs', 'cwd', 'state'].map((name) => join(here, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [bin, inputs, cwd, state]) mkdirSync(path)
  const log = join(here, 'log')
  writeFileSync(log, '')
  writeFileSync(join(bin, '.record'), `#!/bin/sh\nprintf '%s\\n' "\${0##*/}\${*:+ }$*" >>${log}\nexit 1\n`, {
    mode: 0o755,
  })
  const real = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].flatMap((path) => readdirSync(path))
  execFileSync('xargs', ['-0', '-n1', 'ln', '-sf', '.record'], {
    cwd: bin,
    input: [...new Set(['watch', 'systemd-run', ...real])].filter((name) => name !== '[').join('\0'),
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  texts.forEach((text, index) => {
    const moved = text
      .replaceAll('/var/lib/provision', `${state}/lib`)
      .replaceAll('/etc/systemd/system', `${state}/systemd`)
      .replaceAll(/^(\s*)PATH=\S+/gm, `$1PATH=${bin}`)
    writeFileSync(join(inputs, String(index).padStart(5, '0')), moved)
  })
  const driver = `cd ${cwd}\nfor script in ${inputs}/*; do PATH=${bin} /usr/bin/dash -s <"$script"; done`
  const { stdout } = spawnSync('/usr/bin/dash', ['-c', driver], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
  })
  const left = [...readdirSync(cwd), ...readdirSync(state, { recursive: true })].map(String)
  return { called: [...new Set(readFileSync(log, 'utf8').split('\n').filter(Boolean))], left, said: stdout.toString() }
}

describe('what an apply is made of', () => {
  const body = (text: string) => /<<'END_OF_plan_sh_*'\n([\s\S]*?)END_OF_plan_sh_*\n/.exec(text)?.[1] ?? ''
  const change = (more: Partial<Change>): Change => ({ summary: '', saves: [], commit: sh`:`, ...more })
  const plan = (changes: readonly Change[]) => {
    const all = changes.map((_, index) => thing(`r${index}`))
    const made = all.map((resource, at) => ({ resource, change: changes[at] as Change, digest: `${at}` }))
    return body(applyScript({ id: 'i', who: 'w', patience: 9, resources: all, changes: made }))
  }

  test('equal activations run once, at the place of the last one, and equal undos once, last first', () => {
    const live = sh`reload`
    const text = plan([
      change({ activate: live, undo: live }),
      change({ activate: sh`start`, undo: sh`stop` }),
      change({ activate: live, undo: live }),
      change({}),
    ])
    expect(text).toMatch(/^activations='1 2'$/m)
    expect(text).toMatch(/^undos='2 1'$/m)
    expect(text).toMatch(/^changes='0 1 2 3'$/m)
  })

  test('a path that two changes touch is saved once, at its first place', () => {
    expect(plan([change({ saves: ['/etc', '/etc/a'] }), change({ saves: ['/etc', '/etc/b'] })])).toContain(
      "printf '%s\\n' /etc /etc/a /etc/b\n",
    )
  })

  test('changes keep the numbers of their resources, and all resources are looked at again', () => {
    const [a, b] = [thing('a'), thing('b')]
    const text = body(
      applyScript({
        id: 'i',
        who: 'w',
        patience: 9,
        resources: [a, b],
        changes: [{ resource: b, change: change({}), digest: 'x' }],
      }),
    )
    expect(text).toMatch(/^changes=1$/m)
    expect(text).toMatch(/^inspects='0 1'$/m)
    expect(text).toMatch(/^expect_1=x$/m)
  })

  test('a file that holds the end mark of its own here-document gets another mark', () => {
    const resource = managedFile('/etc/x', { content: 'END_OF_plan_sh\nEND_OF_plan_sh_\n' })
    const text = applyScript({
      id: 'i',
      who: 'w',
      patience: 9,
      resources: [resource],
      changes: [planned(resource, 'absent\n')],
    })
    expect(text).toContain("<<'END_OF_plan_sh__'\n")
    expect(text.match(/^END_OF_plan_sh__$/gm)).toHaveLength(1)
  })
})

describe('what a look printed', () => {
  const [a, b] = [thing('a'), thing('b')]
  const mark = 'seen-1'
  const looked = (resources: readonly Resource[], before = '') =>
    parseLook(execFileSync('dash', ['-s'], { input: `${before}${lookScript(resources, mark)}` }), resources, mark)
  const texts = (shown: ReturnType<typeof looked>) => [...shown].map(([id, { text }]) => [id, text])

  test('is what each resource showed, byte for byte, with the digest that the host will compare', () => {
    const shown = looked([a, b])
    expect(texts(shown)).toEqual([
      ['a', 'a\n'],
      ['b', 'b\n'],
    ])
    expect(shown.get('a')?.digest).toBe(
      createHash('sha256').update(Buffer.from('a\n').toString('base64')).digest('hex'),
    )
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
    const cut = (text: string) => [...parseLook(Buffer.from(text), [a, b], mark).keys()]
    expect(cut(`${mark} 1\nx\n${mark} 7\ny\n${mark} 0\nhal`)).toEqual(['b'])
    expect(cut(`${mark} 0`)).toEqual([])
    expect(cut('')).toEqual([])
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

  test.each(['', '@seen 0 YQo=\n', '@outcome', '@outcome maybe\n', 'xx@outcome waiting\n'])(
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

test('guard-watch.sh, guard-history.sh and guard.sh are one program without bashisms', () => {
  const src = resolve(import.meta.dirname, '../src')
  const path = join(folder, 'guard.sh')
  writeFileSync(
    path,
    ['guard-watch.sh', 'guard-history.sh', 'guard.sh'].map((name) => readFileSync(join(src, name), 'utf8')).join(''),
  )
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', path]).stdout.toString()).toBe('')
})

test('card.sh is a program without bashisms', () => {
  const path = resolve(import.meta.dirname, '../src/lab/card.sh')
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', path]).stdout.toString()).toBe('')
})
