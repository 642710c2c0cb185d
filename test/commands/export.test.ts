import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { build, provision, root } from '../dist.ts'
import { KEY } from '../inventory/parse.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-export-'))
const inside = (name: string) => join(folder, name)
const state = inside('state')
beforeAll(build)
beforeEach(() => {
  writeFileSync(
    inside('fleet.json'),
    `{ "gateways": { "gw": {} }, "groups": { "pis": { "devices": ["pi{index}"], "index": "1-3", "settings": { "forwards": ["900{index}:localhost:22"] } } } }`,
  )
  writeFileSync(inside('known_hosts'), ['gw', 'pi1', 'pi2', 'pi3'].map((name) => `${name} ${KEY}\n`).join(''))
})
afterAll(() => rmSync(folder, { recursive: true }))

const exported = (...words: string[]) =>
  provision(['export', 'fleet.json', '--format', 'ansible', ...words], { cwd: folder, env: { XDG_STATE_HOME: state } })
const understood = (inventory: string) =>
  JSON.parse(
    execFileSync('ansible-inventory', ['-i', inventory, '--list'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', XDG_STATE_HOME: state },
    }),
  )

test('a folder that Ansible understands, and that is left alone where nothing has changed', () => {
  expect(exported('--out', 'ansible')).toEqual({
    code: 0,
    stdout: 'ansible/known_hosts  written\nansible/hosts.json  written\n',
    stderr: '',
  })
  expect(exported('--out', 'ansible').stdout).toBe('ansible/known_hosts  unchanged\nansible/hosts.json  unchanged\n')
  expect(readFileSync(inside('ansible/known_hosts'), 'utf8').split('\n').slice(1)).toEqual([
    ...['gw', 'pi1', 'pi2', 'pi3'].map((name) => `${name} ${KEY}`),
    '',
  ])
  const { pis, _meta } = understood(inside('ansible/hosts.json'))
  expect(pis).toEqual({ hosts: ['pi1', 'pi2', 'pi3'] })
  expect(_meta.hostvars.pi2.ansible_ssh_common_args).toContain(`HostKeyAlias=pi2`)
})

test('a program of two lines is a dynamic inventory', () => {
  const program = inside('hosts.sh')
  const command = `exec ${process.execPath} ${join(root, 'bin/provision.js')} export ${inside('fleet.json')} --format ansible "$@"`
  writeFileSync(program, `#!/bin/sh\n${command}\n`)
  chmodSync(program, 0o755)
  const { pis, _meta } = understood(program)
  expect(pis).toEqual({ hosts: ['pi1', 'pi2', 'pi3'] })
  const [, file = ''] = /UserKnownHostsFile="(.*?)"/.exec(_meta.hostvars.pi3.ansible_ssh_common_args) ?? []
  expect(file).toMatch(/^\/.*\/state\/provision\/ansible-[0-9a-f]{12}\.known_hosts$/)
  expect(readFileSync(file, 'utf8')).toContain(`pi3 ${KEY}`)
  expect(JSON.parse(exported('--host', 'pi3').stdout)).toEqual(_meta.hostvars.pi3)
})

test('a host whose key nobody has pinned is named; as a dynamic inventory that stops nobody else', () => {
  writeFileSync(inside('known_hosts'), `gw ${KEY}\npi1 ${KEY}\n`)
  const whole = exported()
  expect([whole.code, Object.keys(JSON.parse(whole.stdout).all.hosts)]).toEqual([2, ['gw', 'pi1', 'pi2', 'pi3']])
  expect(whole.stderr).toContain(
    'no full host key is pinned for pi2, pi3\nprovision: hint: run `provision trust fleet.json`',
  )
  const list = exported('--list')
  expect([list.code, list.stderr]).toEqual([
    0,
    'no full host key is pinned for pi2, pi3: run `provision trust fleet.json`; a fingerprint alone is not enough for known_hosts\n',
  ])
})

test.each([[['--list', '--host', 'pi1']], [['--out', 'x', '--host', 'pi1']], [['--format', 'chef']]])(
  '%j makes no sense',
  (words) => {
    expect(exported(...words)).toMatchObject({ code: 2, stdout: '' })
  },
)
