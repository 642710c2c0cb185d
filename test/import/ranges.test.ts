import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hostsIn } from '../../src/import/host-range.ts'
import { proxyIn } from '../../src/import/proxy.ts'
import { jumpOfCommand } from '../../src/ssh/user-config/proxy-command.ts'
import { wordsOf } from '../../src/ssh/user-config/words.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-ranges-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('ranges of hosts are those of Ansible', () => {
  const patterns = ['plain', 'web[1:3].lan', 'db-[08:11]', 'x[a:c]y', 'n[1:9:3]', 'r[1:2]-[a:b]', 'z[:2]']
  const file = join(folder, 'hosts')
  writeFileSync(file, `${patterns.join('\n')}\n`)
  const env = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8' }
  const list = JSON.parse(execFileSync('ansible-inventory', ['-i', file, '--list'], { encoding: 'utf8', env }))
  expect(patterns.flatMap((pattern) => hostsIn(pattern) ?? []).sort()).toEqual(list.ungrouped.hosts.sort())
})

test.each(['a[', 'a[1:', 'a[3:1]', 'a[1:2:0]', 'a[1:99999999]', 'a[1:999][1:999]'])('%s is no range', (pattern) => {
  expect(hostsIn(pattern)).toBeUndefined()
})

test.each([
  ['a  b', ['a', 'b']],
  [`x='a b' y="c \\" d"e`, ['x=a b', 'y=c " de']],
  ["'' a\\ b", ['', 'a b']],
  ['', []],
])('the words of %j', (line, words) => {
  expect(wordsOf(line)).toEqual(words)
})

test.each([`a "b`, `a 'b`, 'a\\'])('%j does not end', (line) => {
  expect(wordsOf(line)).toBeUndefined()
})

test.each([
  ['-J gw', ['gw'], []],
  ['-Jme@a:2222,b -C', ['me@a:2222', 'b'], ['-C']],
  ['-o ProxyJump=gw -oCompression=yes', ['gw'], ['-o Compression=yes']],
  [`-o "ProxyJump gw"`, ['gw'], []],
  [`-o ProxyCommand="ssh -l me -p 22 -q -W %h:%p gw"`, ['me@gw:22'], []],
  [`-o ProxyCommand="nc %h %p"`, [], ['-o ProxyCommand=nc %h %p']],
  [`-J "gw`, [], ['-J "gw']],
])('%s says who is jumped through', (args, jumps, others) => {
  expect(proxyIn(args)).toEqual({ jumps, others })
})

test.each([
  ['ssh -W %h:%p gw', { jumps: ['gw'] }],
  ['exec /usr/bin/ssh gw -W [%h]:%p', { jumps: ['gw'] }],
  ['ssh -i key -o User=x -W%h:%p gw', { jumps: ['x@gw'], besides: ['-i key'] }],
  ['ssh -qp2222 -o BatchMode=yes gw -l me -W %h:%p', { jumps: ['me@gw:2222'] }],
  ['ssh -W %h:%p ssh://me@[2001:db8::1]:2222', { jumps: ['me@[2001:db8::1]:2222'] }],
  ['ssh -J a,b -W %h:%p gw', { jumps: ['a', 'b', 'gw'] }],
  [`ssh -o ProxyCommand='ssh -W %%h:%%p a' -W %h:%p gw`, { jumps: ['a', 'gw'] }],
  ['ssh -W %h:2222 gw', { jumps: ['gw'], to: { port: 2222 } }],
  ['ssh -W %n:%p gw', undefined],
  ['ssh -l a -W %h:%p b@gw', { jumps: ['a@gw'] }],
  ['ssh -o User=a -W %h:%p b@gw', { jumps: ['a@gw'] }],
  ['ssh b@gw -l a -W %h:%p', { jumps: ['a@gw'] }],
  ['ssh -W localhost:9022 gw', { jumps: ['gw'], to: { address: 'localhost', port: 9022 } }],
  ['ssh -W [::1]:9022 gw', { jumps: ['gw'], to: { address: '::1', port: 9022 } }],
  ['ssh -W localhost gw', undefined],
  ['ssh gw', undefined],
  ['ssh gw nc %h %p', { jumps: ['gw'] }],
  [
    `ssh -q gw 'exec nc -w 5 -q0 localhost 2222 2>/dev/null'`,
    { jumps: ['gw'], to: { address: 'localhost', port: 2222 } },
  ],
  [`sh -c "ssh gw socat - TCP:127.0.0.1:2222"`, { jumps: ['gw'], to: { address: '127.0.0.1', port: 2222 } }],
  ['ssh gw nc -x proxy:1080 %h %p', undefined],
  ['ssh gw nc -l 22', undefined],
  ['nc -X connect %h %p', undefined],
])('%s is a jump: %j', (command, jump) => {
  expect(jumpOfCommand(command)).toEqual(jump)
})
