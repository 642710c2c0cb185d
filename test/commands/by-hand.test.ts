import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, provision } from '../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-by-hand-'))
const inventory = { gateways: { gw: {} }, devices: { pi1: { forwards: ['9022:localhost:22'] }, pi2: {} } }
beforeAll(async () => {
  await build()
  writeFileSync(join(folder, 'inventory.json'), JSON.stringify(inventory))
  writeFileSync(join(folder, 'gateways.json'), JSON.stringify({ gateways: { gw: {} } }))
})
afterAll(() => rmSync(folder, { recursive: true }))

const nobody = 'no such host in the inventory'
test.each([
  [['ssh', 'pi3'], `${nobody}: pi3`, 'did you mean pi1?'],
  [['ssh', 'elsewhere'], `${nobody}: elsewhere`, 'there are: gw, pi1, pi2'],
  [['ssh', 'pi1', 'uptime'], 'uptime: a command stands after --', 'provision ssh pi1 -- uptime'],
  [['ssh', 'pi1', '--tty', '--', 'top'], '--tty needs a terminal', 'leave it out'],
  [['exec'], 'expected a command', 'provision exec -- uptime'],
  [['exec', '--limit', 'pi3', '--', 'true'], '--limit pi3: no host of that name', 'did you mean pi1? the hosts are'],
  [['exec', '--forks', '0', '--', 'true'], '--forks takes a whole number, from 1', ''],
  [['exec', '-i', 'gateways.json', '--', 'true'], 'gateways.json has no devices', 'name a gateway with --limit'],
  [['cp', 'inventory.json'], 'expected a file, and where it is to go', 'provision cp FILE NAME:PATH'],
  [['cp', 'none', 'pi1:'], 'none: there is no such file', 'name a file of this machine'],
  [['cp', '.', 'pi1:'], '.: is no regular file', 'a whole folder: tar -c FOLDER'],
  [['cp', 'inventory.json', 'pi3:'], `${nobody}: pi3`, 'did you mean pi1?'],
  [['cp', 'inventory.json', 'bi*:'], '--limit bi*: no host of that name', 'the hosts are'],
  [['cp', 'pi1:x', 'none/there'], 'none/there: no file can be there', 'name a file in a folder that is there'],
  [['open', 'pi3:80'], `${nobody}: pi3`, 'did you mean pi1?'],
  [['open', 'pi1:http'], 'pi1:http: expected NAME, NAME:PORT or NAME:HOST:PORT', 'such as pi1'],
  [['open', 'pi1', '--port', '70000'], '--port takes a port, from 1 to 65535', ''],
])('%j is refused, and contacts nobody', (words, message, hint) => {
  const { code, stdout, stderr } = provision(words, { cwd: folder })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`provision: error: ${message}`)
  expect(stderr).toContain(hint && `provision: hint: ${hint}`)
})

test.each([
  ['ssh', 'HOST is missing: A device or a gateway'],
  ['open', 'NAME[:PORT] is missing: NAME, NAME:PORT'],
  ['cp', 'FILE… is missing: FILE NAME:PATH…'],
])('%s says what it needs', (word, missing) => {
  const { code, stderr } = provision([word], { cwd: folder })
  expect([code, stderr]).toEqual([2, expect.stringContaining(`provision: error: ${missing}`)])
})
