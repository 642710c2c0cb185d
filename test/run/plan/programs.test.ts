import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { unfit } from '../../../src/run/plan/observation.ts'
import { lackOf, tryPrograms } from '../../../src/run/plan/programs.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-programs-'))
afterAll(() => rmSync(folder, { recursive: true }))
const tried = () =>
  execFileSync('/bin/dash', ['-s'], {
    input: tryPrograms.text,
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin`, LC_ALL: 'C' },
  })

describe('the programs of a host', () => {
  test('lack nothing where they are those of GNU', () => {
    expect(tried()).toBe('')
    expect(lackOf('')).toBeUndefined()
  })

  test('are tried where one is a link, and what they do not know is named', () => {
    symlinkSync('/usr/bin/true', join(folder, 'sort'))
    expect(tried()).toBe(`@lacks ${folder}/sort -z\n`)
    expect(lackOf(`@lacks ${folder}/sort -z\n@lacks /bin/find -printf\n`)).toEqual({
      refused: `its programs lack what every run needs: ${folder}/sort does not know -z, /bin/find does not know -printf`,
      hint: expect.stringContaining('GNU'),
    })
  })

  test('were never asked where the look printed nothing', () => {
    expect(unfit(Buffer.from('hello\n'), 'seen-1')).toMatchObject({ refused: expect.stringContaining('ran nothing') })
    expect(unfit(Buffer.from('hello\nseen-1 programs\nseen-1 0\n@lacks x y\nseen-1\n'), 'seen-1')).toBeUndefined()
    expect(unfit(Buffer.from('seen-1 programs\n@lacks /bin/find -printf\nseen-1\n'), 'seen-1')).toBeDefined()
  })

  test('may be those of busybox, but for its find', () => {
    rmSync(join(folder, 'sort'))
    for (const name of ['date', 'stat', 'sleep', 'sed', 'grep', 'sort', 'xargs', 'base64', 'find'])
      symlinkSync('/usr/bin/busybox', join(folder, name))
    expect(tried()).not.toContain('/sed ')
    expect(tried()).toContain(`@lacks ${folder}/find -printf\n`)
  })
})
