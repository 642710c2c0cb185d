import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { copyWithout } from '../../../src/ssh/user-config/config-copy.ts'
import { readTree } from '../../../src/ssh/user-config/config-tree.ts'
import { clientConfig } from '../../../src/ssh-config/ssh-config.ts'
import { parse } from '../../inventory/parse.ts'

const home = mkdtempSync(join(tmpdir(), 'provision copy '))
afterAll(() => rmSync(home, { recursive: true }))
const env = { ...process.env, HOME: home }

const inventory = parse(
  `{
  "gateways": { "gw1": { "address": "203.0.113.5" }, "gw2": {} },
  "devices": {
    "pi1": { "forwards": ["9022:localhost:22", { "gateway": "gw2", "port": 9022, "host": "localhost", "hostPort": 22 }] },
    "pi2": { "forwards": [{ "gateway": "gw1", "port": 9023, "host": "localhost", "hostPort": 22 }] }
  }
}`.replace('"9022:localhost:22"', '{ "gateway": "gw1", "port": 9022, "host": "localhost", "hostPort": 22 }'),
)
const block = `# >>> provision: /srv/inventory.json\n${clientConfig(inventory)}# <<< provision: /srv/inventory.json\n`

const said = (file: string, name: string) =>
  execFileSync('ssh', ['-G', '-F', file, name], {
    env: { ...env, PROVISION_ASKS_SSH: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()

async function copied(file: string, name: string): Promise<string> {
  const folder = join(home, `copy of ${name}`)
  mkdirSync(folder)
  const files = await readTree({ file, env })
  return copyWithout(files, { block: () => true, endpoint: (address) => address === '127.0.0.1' }, folder)
}

/** The same numbers for the same seed. */
function dice(seed: number) {
  let state = seed
  const roll = (sides: number) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor((state / 2147483648) * sides)
  }
  const one = <T>(all: readonly T[]): T => all[roll(all.length)] as T
  return { roll, one }
}

const names = ['db', 'db.lan', 'web1', 'elsewhere', 'gw3']

/** Everything that people write, in an order that nobody would choose. */
function randomConfig(seed: number): string {
  const { roll, one } = dice(seed)
  let files = 0
  const write = (depth: number): string => {
    const lines: string[] = []
    for (let sections = 1 + roll(5); sections > 0; sections--) {
      lines.push(
        ...one([
          ['Host db'],
          ['Host db*  !db.lan'],
          ['host = *.lan web1 # as it were'],
          ['Host *'],
          ['Match all'],
          ['Match final host db.lan'],
          ['match originalhost web1,db'],
          ['Match exec "test %h = db"'],
          ['Match !host "db*" user root'],
          [],
        ]),
      )
      for (let options = roll(4); options > 0; options--) {
        lines.push(
          one([
            '  HostName %h.internal',
            '\tPort=2222',
            '  Port 4444',
            '  User "some body"',
            '  ProxyJump jump',
            '  ProxyCommand ssh -W %h:%p jump',
            `  IdentityFile ~/.ssh/${roll(9)}`,
            '# HostName 127.0.0.1',
            '',
            '  SendEnv LANG LC_*',
          ]),
        )
      }
      if (depth < 3 && roll(3) === 0) {
        const inner = `part ${seed} ${files}.conf`
        const path = join(home, inner)
        const number = files++
        writeFileSync(path, write(depth + 1))
        lines.push(
          one([
            `Include "${path}"`,
            `include "${home}/part ${seed} [${number}].conf"`,
            'Include /nowhere/*.conf nothing',
          ]),
        )
      }
      if (depth < 3 && roll(6) === 0) {
        const inner = `d${seed}-${files++}`
        const folder = join(home, '.ssh', inner)
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'a.conf'), write(depth + 2))
        writeFileSync(join(folder, '.hidden.conf'), 'Port 1\n')
        lines.push(`Include ${one([`${inner}/*.conf`, `~/.ssh/${inner}/?.conf`])}`)
      }
      if (roll(4) === 0) lines.push(block)
    }
    return lines.join('\n') + one(['', '\n'])
  }
  const file = join(home, `config-${seed}`)
  writeFileSync(file, write(0))
  return file
}

describe('a copy of a configuration without our blocks', () => {
  test.each(Array.from({ length: 40 }, (_, index) => index + 1))(
    'says the same of everybody whom they are not about (%i)',
    async (seed) => {
      const file = randomConfig(seed)
      const copy = await copied(file, String(seed))
      for (const name of names) expect(said(copy, name), name).toBe(said(file, name))
    },
  )

  test('keeps what is said of the others in the same place', async () => {
    const file = join(home, 'config')
    writeFileSync(
      file,
      `${block}Host pi1\n HostName 192.168.1.5\n${'Host pi2\n HostName 127.0.0.1\n Port 9023\n User me\n'}`,
    )
    const copy = await copied(file, 'whole')
    expect(said(copy, 'pi1')).toMatch(/^hostname 192\.168\.1\.5$/m)
    expect(said(copy, 'pi1')).toMatch(/^hostkeyalias pi1$/m)
    expect(said(copy, 'pi2')).toMatch(/^hostname pi2$/m)
    expect(said(copy, 'pi2')).toMatch(/^user me$/m)
    expect(said(copy, 'pi2')).not.toMatch(/^proxyjump/m)
  })

  test('ends where a file includes itself', async () => {
    const file = join(home, 'circle')
    writeFileSync(file, `Include "${file}"\nHost db\n Port 7\n`)
    expect(said(await copied(file, 'circle'), 'db')).toMatch(/^port 7$/m)
  })

  test('keeps every byte of what it does not understand', async () => {
    const file = join(home, 'bytes')
    writeFileSync(file, Buffer.from('Host db\n User j\xfcrg # \xff\n', 'latin1'))
    expect(said(await copied(file, 'bytes'), 'db')).toBe(said(file, 'db'))
  })
})
