import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatNames } from '../../src/image/formats/detect.ts'
import { refuseConflicts } from '../../src/image/formats/format.ts'
import { files } from './formats/files.ts'
import { fresh, run, seed, temporary } from './kit.ts'

const golden = join(import.meta.dirname, '../golden/image')

describe.each(formatNames)('the seed of one device for a fresh %s card', (name) => {
  test('is what its golden files say', async () => {
    for (const [file, content] of Object.entries(files(name, fresh[name]))) {
      await expect(content).toMatchFileSnapshot(join(golden, name, file))
    }
  })

  test('written twice is the same as written once', () => {
    const once = files(name, fresh[name])
    expect(files(name, { ...fresh[name], ...once })).toEqual(once)
  })

  test('keeps its secrets in one file, but for what joins a network before that one can run', () => {
    const made = files(name, fresh[name])
    const holders = (secret: string) => Object.keys(made).filter((file) => made[file]?.includes(secret))
    expect(holders('one-time')).toEqual(['provision-seed.sh'])
    expect(holders('correct horse')).toEqual([
      name === 'cloud-init' ? 'network-config' : name === 'firstrun' ? 'provision-seed.sh' : 'rpi-preseed.toml',
    ])
  })

  test('without Wi-Fi says nothing of networks', () => {
    expect(JSON.stringify(files(name, fresh[name], seed))).not.toMatch(/wlan|wifis|system-connections/)
  })

  test('is shell that dash, busybox and shellcheck have nothing against, and nothing when it was cut short', () => {
    const script = files(name, fresh[name])['provision-seed.sh'] ?? ''
    run('dash', ['-n'], script)
    run('busybox', ['ash', '-n'], script)
    const path = join(temporary(), 'seed.sh')
    // SC2016: what quote writes.
    writeFileSync(path, script)
    run('shellcheck', ['-s', 'sh', '-e', 'SC2016', path])
    // Without its last line end it is whole.
    for (let at = 0; at < script.length - 1; at += 331) {
      expect(run('sh', ['-c', 'dash 2>/dev/null || :'], script.slice(0, at)).toString()).toBe('')
    }
    expect(existsSync('/var/lib/provision/first-boot')).toBe(false)
  })
})

test('a conflict that is none is not refused', () => {
  expect(() => refuseConflicts([undefined, undefined])).not.toThrow()
})
