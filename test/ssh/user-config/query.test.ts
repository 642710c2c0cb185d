import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { askSsh } from '../../../src/ssh/user-config/query.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-ask-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('what ssh would do with many names', () => {
  const config = join(folder, 'config')
  writeFileSync(config, 'Host host-*\n  User user002\nHost host-7\n  Port 9007\n')
  const ask = askSsh({ file: config, env: process.env })

  test('is answered to each of them, also where ssh refuses one in their midst', async () => {
    const names = [...Array.from({ length: 60 }, (_, n) => `host-${n}`), "o'neill; reboot", 'elsewhere']
    const answers = await Promise.all(names.map(ask))
    expect(answers.map((text) => /^user (user002)$/m.exec(text)?.[1])).toEqual([
      ...Array.from({ length: 60 }, () => 'user002'),
      undefined,
      undefined,
    ])
    expect(answers.filter((text) => /^port 9007$/m.test(text))).toEqual([answers[7]])
    expect(answers.at(-2)).toBe('')
    expect(answers.at(-1)).toMatch(/^hostname elsewhere$/m)
  })

  test('is asked by few shells when it is asked in one moment', async () => {
    const shells = join(folder, 'shells')
    const ssh = join(folder, 'ssh')
    writeFileSync(ssh, `#!/bin/sh\necho $PPID >>${shells}\necho "hostname $3"\n`)
    chmodSync(ssh, 0o755)
    const beside = askSsh({ env: { ...process.env, PATH: `${folder}:${process.env.PATH}` } })
    const said = await Promise.all(Array.from({ length: 40 }, (_, n) => beside(`h${n}`)))
    expect(said[39]).toBe('hostname h39\n')
    const parents = readFileSync(shells, 'utf8').trim().split('\n')
    expect(parents).toHaveLength(40)
    expect(new Set(parents).size).toBeLessThanOrEqual(Math.max(2, availableParallelism()))
  })
})
