import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { holdsBlock, withBlock, withInclude } from '../../src/ssh-config/files.ts'
import { writeBlocks } from '../../src/ssh-config/write.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-write-'))
afterAll(() => rmSync(folder, { recursive: true }))

function home(config?: string) {
  const path = mkdtempSync(join(folder, 'home-'))
  const file = (name: string) => join(path, '.ssh', name)
  if (config !== undefined) {
    mkdirSync(join(path, '.ssh'), { mode: 0o700 })
    writeFileSync(file('config'), config, { mode: 0o600 })
  }
  const write = async (hosts: readonly string[], inventory = '/srv/site/guest-lan.json') => {
    const blocks = {
      inventory,
      config: (keys: string) => hosts.map((host) => `Host ${host}\n    UserKnownHostsFile ${keys}\n`).join('\n'),
      knownHosts: hosts.map((host) => `${host} ssh-ed25519 AAAA`),
    }
    return (await writeBlocks(path, blocks)).map(({ file: name, changed }) => `${name} ${changed}`)
  }
  return {
    path,
    file,
    write,
    read: (name: string) => readFileSync(file(name), 'utf8'),
    mode: (name: string) => statSync(file(name)).mode & 0o777,
  }
}
const block = 'config.d/provision-guest-lan.conf'
const keys = 'config.d/provision-guest-lan.known_hosts'
const line = 'Include ~/.ssh/config.d/provision-*.conf\n'

describe('a home without ssh', () => {
  test('gets all of it, for its owner alone', async () => {
    const it = home()
    expect(await it.write(['gw', 'pi'])).toEqual([`~/.ssh/${keys} true`, `~/.ssh/${block} true`, '~/.ssh/config true'])
    expect(it.read('config')).toBe(line)
    expect(it.read(block)).toMatchInlineSnapshot(`
      "# >>> provision: /srv/site/guest-lan.json
      Host gw
          UserKnownHostsFile ~/.ssh/config.d/provision-guest-lan.known_hosts

      Host pi
          UserKnownHostsFile ~/.ssh/config.d/provision-guest-lan.known_hosts
      # <<< provision: /srv/site/guest-lan.json
      "
    `)
    expect(it.read(keys)).toMatchInlineSnapshot(`
      "# The host keys of /srv/site/guest-lan.json, kept by provision.
      gw ssh-ed25519 AAAA
      pi ssh-ed25519 AAAA
      "
    `)
    expect([it.mode(''), it.mode('config.d'), it.mode('config'), it.mode(block), it.mode(keys)]).toEqual([
      0o700, 0o700, 0o600, 0o600, 0o600,
    ])
    expect(readdirSync(it.file('config.d'))).toHaveLength(2)
  })

  test('and ssh goes by it', async () => {
    const it = home()
    await it.write(['gw', 'pi'])
    // ssh takes the home of the account, whatever HOME says.
    writeFileSync(it.file('config'), it.read('config').replaceAll('~', it.path))
    const asked = execFileSync('ssh', ['-G', '-F', it.file('config'), 'pi'], { encoding: 'utf8' })
    expect(asked).toMatch(/^userknownhostsfile .*provision-guest-lan\.known_hosts$/m)
  })
})

describe('a second time', () => {
  test('nothing is written, not even the time of a file', async () => {
    const it = home('Host *\n  Compression yes\n')
    await it.write(['gw', 'pi'])
    const before = ['config', block, keys].map((name) => statSync(it.file(name)).mtimeMs)
    expect(await it.write(['gw', 'pi'])).toEqual([
      `~/.ssh/${keys} false`,
      `~/.ssh/${block} false`,
      '~/.ssh/config false',
    ])
    expect(['config', block, keys].map((name) => statSync(it.file(name)).mtimeMs)).toEqual(before)
  })

  test('a device that has left the inventory is gone, and lines of others around the block stay', async () => {
    const it = home()
    await it.write(['gw', 'pi'])
    writeFileSync(it.file(block), `# mine\n${it.read(block)}Host other\n  Port 7`)
    await it.write(['gw'])
    expect(it.read(block)).toMatch(/^# mine\n# >>> provision: [\s\S]*# <<< provision: .*\nHost other\n {2}Port 7$/)
    expect(it.read(block)).not.toContain('Host pi')
    expect(it.read(keys)).not.toContain('pi ')
  })
})

test('another inventory of the same name gets a file of its own, and each finds its own again', async () => {
  const it = home()
  await it.write(['a'])
  expect((await it.write(['b'], '/srv/other/guest-lan.json'))[1]).toBe(
    '~/.ssh/config.d/provision-guest-lan-2.conf true',
  )
  await it.write(['a2'])
  expect(it.read(block)).toContain('Host a2')
  expect(it.read('config.d/provision-guest-lan-2.conf')).toContain('Host b\n')
  expect(it.read('config')).toBe(line)
})

describe('a configuration that is there', () => {
  test('keeps its mode, and stays the link that it is', async () => {
    const it = home('')
    const real = join(it.path, 'dotfiles')
    writeFileSync(real, 'Host *\n', { mode: 0o640 })
    chmodSync(real, 0o640)
    rmSync(it.file('config'))
    symlinkSync('../dotfiles', it.file('config'))
    await it.write(['pi'])
    expect(lstatSync(it.file('config')).isSymbolicLink()).toBe(true)
    expect([readFileSync(real, 'utf8'), statSync(real).mode & 0o777]).toEqual([`${line}Host *\n`, 0o640])
  })

  test('that is a link to nothing is left alone, with a sentence', async () => {
    const it = home('')
    rmSync(it.file('config'))
    symlinkSync('../nowhere', it.file('config'))
    await expect(it.write(['pi'])).rejects.toThrow('config is a link to a file that does not exist')
    expect(lstatSync(it.file('config')).isSymbolicLink()).toBe(true)
  })

  test('whose block has lost its last line is left alone, with a sentence', async () => {
    const it = home()
    await it.write(['pi'])
    writeFileSync(it.file(block), it.read(block).replace(/# <<<.*\n/, 'Host mine\n'))
    await expect(it.write(['pi', 'other'])).rejects.toThrow('the last line of the block is missing')
    expect(it.read(block)).toContain('Host mine')
  })
})

describe('the line that includes', () => {
  const ssh = '/home/me/.ssh/config.d/provision-x.conf'
  const after = (text: string) => withInclude(text, ssh, '/home/me')

  test.each([
    'Include config.d/*\n',
    'include "config.d/*.conf"\n',
    'Include other.conf ~/.ssh/config.d/provision-*.conf\n',
    '# hi\n\n  Include=/home/me/.ssh/config.d/provision-?.conf\nHost *\n',
  ])('is there already: %j', (text) => {
    expect(after(text)).toBe(text)
  })

  test.each([
    'Host *\n  Include config.d/*\n',
    'Match all\nInclude config.d/*\n',
    '# Include config.d/*\n',
    'Include config.d/*.cfg\n',
    'Include *\n',
    'Include /etc/ssh/config.d/*\n',
  ])('is not: %j', (text) => {
    expect(after(text)).toBe(line + text)
  })
})

describe('whatever a file holds', () => {
  const someLine = fc.oneof(
    fc.constantFrom('Host *', '  Port 22', 'Include config.d/*', 'Match all', '', '# >>> provision: /other', '\tx\r'),
    fc.string({ unit: 'binary-ascii', maxLength: 12 }).map((text) => text.replaceAll('\n', '')),
  )
  const someText = fc
    .tuple(fc.array(someLine, { maxLength: 8 }), fc.boolean())
    .map(([lines, ended]) => lines.join('\n') + (ended ? '\n' : ''))
  const inventory = '/srv/i.json'

  test('only the block changes, and the same block changes nothing', () => {
    fc.assert(
      fc.property(someText, someText, fc.constantFrom('Host a\n', 'Host a\n\nHost b\n', ''), (before, behind, text) => {
        const first = withBlock(before, inventory, 'Host old\n') ?? ''
        expect(first.startsWith(before)).toBe(true)
        expect(holdsBlock(first, inventory)).toBe(true)
        const second = withBlock(first + behind, inventory, text) ?? ''
        expect(second).toBe(`${first.replace('Host old\n', text)}${behind}`)
        expect(withBlock(second, inventory, text)).toBe(second)
      }),
    )
  })

  test('every byte of the configuration stays behind the line that includes, which comes once', () => {
    fc.assert(
      fc.property(someText, (text) => {
        const once = withInclude(text, '/h/.ssh/config.d/provision-x.conf', '/h')
        expect([text, line + text]).toContain(once)
        expect(withInclude(once, '/h/.ssh/config.d/provision-x.conf', '/h')).toBe(once)
      }),
    )
  })
})
