import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { managedFile, sshdSettings, systemdUnit } from '../../../src/resources/index.ts'
import { observeScript } from '../../../src/run/plan/observation.ts'
import { abandonScript, applyScript, confirmScript, watchScript } from '../../../src/run/transaction/script.ts'
import { lookBackScript, undoScript } from '../../../src/undo/script.ts'
import { planned, thing } from './script/thing.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-script-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = managedFile("/etc/it's", { content: 'END_OF_plan_sh\nEOF\n$(reboot)\n' })
const unit = systemdUnit('tunnel.service', { content: '[Service]\nExecStart=/bin/true\n' })
const sshd = sshdSettings('00-x', { match: 'User t', user: 't', settings: [['PermitTTY', 'no']] })
const resources = [thing('a fact'), file, unit, sshd]
const apply = applyScript({
  id: '20260101-abc-0',
  who: "o'neill on host001",
  confirmWithinSeconds: 20,
  resources,
  changes: [
    planned(file, 'absent\n'),
    planned(unit, 'disabled\nstopped\nabsent\n'),
    planned(sshd, 'OpenSSH_10.0\nvalid\npermittty yes\nabsent\n'),
  ],
})
const scripts = {
  look: observeScript(resources, 'seen-1'),
  apply,
  confirm: confirmScript('20260101-abc-0'),
  watch: watchScript('20260101-abc-0'),
  lookBack: lookBackScript(),
  undo: undoScript({
    id: '20260102-abc-0',
    who: "o'neill",
    confirmWithinSeconds: 20,
    ids: ['20260101-abc-1', '20260101-abc-0'],
  }),
  abandon: abandonScript('20260101-abc-0', "it's\n$(reboot) `reboot`"),
}

describe('every script', () => {
  test.each(Object.entries(scripts))('to %s is read by dash and by shellcheck without a complaint', (name, script) => {
    const path = join(folder, `${name}.sh`)
    writeFileSync(path, script)
    expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
    // SC2317, SC2329: functions that are called by a name put together. SC2154: the guard sets it. SC2034: in plan.sh.
    // SC2016, SC2140, SC1003: what quote writes. SC2319: `$?` of a condition is what is wanted there.
    const excluded = 'SC2317,SC2329,SC2154,SC2034,SC2016,SC2140,SC1003,SC2015'
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
  const record = [
    '#!/bin/sh',
    `printf '%s\\n' "\${0##*/}\${*:+ }$*" >>${log}`,
    // Who writes to it would end with it.
    'case $0 in */gzip) while read -r _; do :; done ;; esac',
    'exit 1',
  ]
  writeFileSync(join(bin, '.record'), `${record.join('\n')}\n`, { mode: 0o755 })
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

test('watch.sh, history.sh, files.sh, rollback.sh and guard.sh are one program without bashisms', () => {
  const src = resolve(import.meta.dirname, '../../../src/run/transaction/guard')
  const path = join(folder, 'guard.sh')
  writeFileSync(
    path,
    ['watch.sh', 'history.sh', 'files.sh', 'rollback.sh', 'guard.sh']
      .map((name) => readFileSync(join(src, name), 'utf8'))
      .join(''),
  )
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', path]).stdout.toString()).toBe('')
})

test('card.sh is a program without bashisms', () => {
  const path = resolve(import.meta.dirname, '../../../src/lab/card.sh')
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', path]).stdout.toString()).toBe('')
})
