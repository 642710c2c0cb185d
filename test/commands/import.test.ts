import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, provision } from '../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-import-'))
beforeAll(() => {
  writeFileSync(
    join(folder, 'hosts.ini'),
    'pi ansible_ssh_common_args="-J gw" color=\u001b[31mred\nvery-odd ansible_private_key_file="" ansible_ssh_common_args="-J gw"\n',
  )
  return build()
})
afterAll(() => rmSync(folder, { recursive: true }))
const imported = (...words: string[]) => provision(['import', ...words], { cwd: folder })

test('on stdout, and what is not in it on stderr', () => {
  writeFileSync(join(folder, 'one.ini'), 'pi ansible_ssh_common_args="-J gw" color=red\n')
  const { code, stdout, stderr } = imported('one.ini')
  expect([code, stderr]).toEqual([
    0,
    'not imported: pi: the variable color (one.ini:1)\nnot imported: pi: has no forward yet: import with --ports 9000-9999, or write one (one.ini:1)\n',
  ])
  expect(stdout).toContain('    "pi": { "via": ["gw"] },\n')
})

test('into a new file, with the schema beside it, and never over one', () => {
  writeFileSync(join(folder, 'two.ini'), 'pi ansible_ssh_common_args="-J gw"\n')
  const words = ['two.ini', '--ports', '9000-9999', '--out', 'made.json']
  expect(imported(...words)).toEqual({ code: 0, stdout: 'made.json  written\nschema.json  written\n', stderr: '' })
  expect(provision(['schema', 'made.json'], { cwd: folder })).toMatchObject({ code: 0 })
  const made = readFileSync(join(folder, 'made.json'), 'utf8')
  expect(made).toMatch(/^ {2}"\$schema": ".\/schema.json",\n {2}"id": "[a-z2-9]{8}",\n/m)
  expect(imported(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('made.json already exists') })
  expect(readFileSync(join(folder, 'made.json'), 'utf8')).toBe(made)
})

test('what would not be right in an inventory stays out, and is told', () => {
  const { code, stdout, stderr } = imported('hosts.ini', '--out', 'odd.json')
  expect([code, stdout]).toEqual([0, 'odd.json  written\nschema.json  unchanged\n'])
  expect(stderr).not.toContain('\u001b')
  expect(provision(['schema', 'odd.json'], { cwd: folder })).toMatchObject({ code: 0 })
})

test('a command line from stdin, with the device that runs it', () => {
  const { code, stdout, stderr } = provision(['import', '-', '--device', 'pi.lan'], {
    cwd: folder,
    input: 'ssh -N -R 9022:localhost:22 gw\n',
  })
  expect([code, stderr]).toEqual([0, expect.stringContaining('--adopt 127.0.0.1:9022')])
  expect(stdout).toContain('    "pi.lan": { "forwards": ["127.0.0.1:9022:localhost:22"] },\n')
})

test.each([
  [['nothing.ini'], 'nothing.ini cannot be read'],
  [['one.ini', '--from', 'chef'], 'chef'],
  [['one.ini', '--gateway', 'gv'], 'there is no host and no group gv, did you mean "gw"?'],
  [['one.ini', '--skip', 'x', '--skip', 'pi'], '--skip x: there is no such host'],
])('%j', (words, said) => {
  const { code, stdout, stderr } = imported(...words)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(said)
})
