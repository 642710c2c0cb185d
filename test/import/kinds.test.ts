import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Choices } from '../../src/import/inventory-of.ts'
import { readFound } from '../../src/import/read.ts'
import { parse } from '../inventory/parse.ts'
import { importing } from './importing.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-kinds-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { imported, refusal } = importing(folder)

/** What the lines of hosts say, without the file around them; behind it what is told and left. */
async function lines(name: string, text: string, choices: Partial<Choices> = {}) {
  const { printed, told, left } = await imported(name, text, choices)
  const hosts = printed.split('\n').filter((line) => /^ {4}"|"login": \{ [^}]*\},$/.test(line))
  return [...hosts.map((line) => line.trim()), ...told, ...left.split('\n').filter(Boolean)]
    .join('\n')
    .replaceAll(folder, 'FOLDER')
}

describe('an ssh_config', () => {
  const gw = 'Host gw\n HostName 203.0.113.7\n User me\n'

  test.each([
    ['a jump by its address', `${gw}Host a\n ProxyJump 203.0.113.7\n`, '"a": { "via": ["gw"] },'],
    ['a jump by its second name', 'Host gw jump\n HostName x\nHost a\n ProxyJump jump\n', '"a": { "via": ["gw"] },'],
    [
      'a door behind a jump by its address',
      `${gw}Host a\n HostName localhost\n Port 2222\n ProxyJump me@203.0.113.7\n`,
      '"a": { "forwards": ["127.0.0.1:2222:localhost:22"] },',
    ],
    [
      'several names, several machines',
      `Host a b\n HostName %h.lan\n ProxyJump gw\n`,
      '"b": { "address": "b.lan", "via": ["gw"] },',
    ],
    ['names without an address are machines, too', `Host a b\n ProxyJump gw\n`, '"b": { "via": ["gw"] },'],
    [
      'a jump that only a pattern is about',
      'Host b*\n Port 2222\nHost a\n ProxyJump bastion\n',
      '"bastion": { "port": 2222 },',
    ],
    [
      'a user whom whoever imports is, too',
      'Host gw a\n User root\nHost a\n ProxyJump gw\n',
      '"login": { "user": "root" },',
    ],
    ['a name of Match', `${gw}Match originalhost m\n ProxyJump gw\n`, '"m": { "via": ["gw"] },'],
    [
      'the door that nc opens',
      `${gw}Host a\n ProxyCommand ssh -q gw nc -w 5 localhost 2222\n`,
      '"a": { "forwards": ["127.0.0.1:2222:localhost:22"] },',
    ],
    [
      'a token that is the same everywhere',
      `${gw}Host a\n IdentityFile %d/.ssh/%h\n ProxyJump gw\n`,
      '"a": { "login": { "identityFile": "~/.ssh/a" }, "via": ["gw"] },',
    ],
    [
      'the user of a jump is told',
      `${gw}Host a\n ProxyJump you@gw:2222\n`,
      'a: the jump as you@gw:2222: provision logs in to gw as its own entry says (FOLDER/config:4)',
    ],
    [
      'the first hop is told',
      `${gw}Host a\n ProxyJump o,gw\n`,
      'a: the hop o on the way to gw: leave that in your ~/.ssh/config (FOLDER/config:4)',
    ],
    [
      'the second key is told',
      `${gw}Host a\n IdentityFile /1\n IdentityFile /2\n ProxyJump gw\n`,
      'a: a further IdentityFile, /2 (FOLDER/config:6)',
    ],
    [
      'a pattern of nobody is told',
      `${gw}Host a\n ProxyJump gw\nHost *.x\n User y\n`,
      'Host *.x: a pattern, and no name in the file is one of its hosts (FOLDER/config:6)',
    ],
    [
      'what everybody may reach is an object',
      `${gw} RemoteForward *:1 localhost:22\n`,
      '{ "bindAddress": "*", "port": 1, "host": "localhost", "hostPort": 22, "expose": true }',
    ],
    [
      'a port alone cannot be written',
      `${gw} RemoteForward 1 localhost:2\n RemoteForward 9\n`,
      'gw: RemoteForward 9 cannot be a forward in an inventory: a port alone is a SOCKS proxy',
    ],
  ])('%s', async (_, text, expected) => {
    expect(await lines('config', text)).toContain(expected)
  })

  test('the same address behind two gateways is two machines', async () => {
    const text = 'Host g h\nHost a\n HostName 10.0.0.1\n ProxyJump g\nHost b\n HostName 10.0.0.1\n ProxyJump h\n'
    expect(parse((await imported('config', text)).printed).devices.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('another port of the gateway itself is a door that is there', async () => {
    const text = `${gw}Host a\n HostName 203.0.113.7\n Port 9022\n`
    expect(await lines('config', text, { gateways: ['gw'], ports: '9000-9999' })).toBe(
      `"gw": { "address": "203.0.113.7", "login": { "user": "me" }, "ports": "9000-9999" },
"a": { "forwards": [{ "bindAddress": "*", "port": 9022, "host": "localhost", "hostPort": 22, "expose": true }] },
a: port 9022 of gw is taken for a tunnel to it that is there already (FOLDER/config:4)`,
    )
  })

  test('Include reads folders and patterns as ssh does, and no hidden file', async () => {
    mkdirSync(join(folder, 'd/sub'), { recursive: true })
    for (const name of ['one', 'sub/config', '.two.swp'])
      writeFileSync(join(folder, 'd', name), `Host ${name.replaceAll(/\W/g, '')}\n ProxyJump gw\n`)
    const names = async (text: string) =>
      parse((await imported('config', text)).printed).devices.map(({ name }) => name)
    expect(await names(`Include ${folder}/d/*\n${gw}`)).toEqual(['one'])
    expect(await names(`Include ${folder}/d/*/config\n${gw}`)).toEqual(['subconfig'])
  })

  test('what ssh runs to answer is told before it runs', async () => {
    const [file, ran] = [join(folder, 'config'), join(folder, 'ran')]
    writeFileSync(file, `${gw}Match originalhost a exec "touch ${ran}"\n User x\n`)
    const told: [string, boolean][] = []
    await readFound(file, { env: process.env, say: (sentence) => void told.push([sentence, existsSync(ran)]) })
    expect(told).toEqual([
      [`${file}:4: ssh runs this command to know what the file means (Match exec): touch ${ran}`, false],
    ])
    expect(existsSync(ran)).toBe(true)
  })
})

describe('an inventory of Ansible', () => {
  test.each([
    [
      'escaped quotes',
      'h.ini',
      'a\n[all:vars]\nansible_ssh_args="-o ProxyCommand=\\"ssh -W %h:%p me@gw\\""\n',
      '"a": { "via": ["gw"] },',
    ],
    [
      'a machine that jumps through itself',
      'h.ini',
      'gw\na\n[all:vars]\nansible_ssh_common_args=-J gw\n',
      '"a": { "via": ["gw"] },',
    ],
    [
      'a comment behind a value',
      'h.ini',
      'a ansible_host=10.0.0.1#x\n[gateways]\ng\n',
      '"a": { "address": "10.0.0.1" },',
    ],
    [
      'IPv6 with a port',
      'h.ini',
      '[2001:db8::6]:2222\n[gateways]\ng\n',
      '"v6-2001-db8--6": { "address": "2001:db8::6", "port": 2222 },',
    ],
    [
      'an IPv6 address in full has no port',
      'h.ini',
      '2001:db8:0:0:0:0:0:5\n[gateways]\ng\n',
      '"v6-2001-db8--5": { "address": "2001:db8::5" },',
    ],
    [
      'the port and the key of a jump in escaped quotes',
      'h.ini',
      'gw ansible_host=203.0.113.5 ansible_port=22\na\n[all:vars]\nansible_ssh_common_args="-o ProxyCommand=\\"ssh -q u@203.0.113.5 -o IdentityFile=~/.ssh/b -o Port=22 -W %h:%p\\""\n',
      '"a": { "via": ["gw"] },',
    ],
    [
      'the priority of groups',
      'h.ini',
      '[gateways]\ng\n[x]\na\n[y]\na\n[x:vars]\nansible_group_priority=2\nansible_user=x\n[y:vars]\nansible_user=y\n',
      '"a": { "login": { "user": "x" } },',
    ],
    [
      'a port in the name counts the first time',
      'h.ini',
      'a:22\n[x]\na:2222\nb:2222\n[gateways]\ng\n',
      '"b": { "port": 2222 },',
    ],
    [
      'the last line of a host counts',
      'h.ini',
      '[gateways]\ng\n[x]\na ansible_user=1a\n[y]\na ansible_user=y\n[x]\na ansible_user=z\n',
      '"a": { "login": { "user": "z" } },',
    ],
    [
      'merge keys',
      'h.yml',
      'all:\n vars:\n  p: &p {ansible_port: 2200}\n hosts:\n  a: {<<: *p}\n children: {gateways: {hosts: g}}\n',
      '"a": { "port": 2200 },',
    ],
    ['one host as text', 'h.yml', 'all:\n hosts: a\n children: {gateways: {hosts: g}}\n', '"a": {},'],
    [
      'the name of the host in a value',
      'h.ini',
      'a ansible_host="{{ inventory_hostname }}.lan"\n[gateways]\ng\n',
      '"a": { "address": "a.lan" },',
    ],
  ])('%s', async (_, name, text, expected) => {
    expect(await lines(name, text)).toContain(expected)
  })

  test('what Ansible alone can read names the way that works', async () => {
    const list = 'ansible-inventory -i FOLDER/h.yml'
    expect(await refusal('h.yml', '$ANSIBLE_VAULT;1.1;AES256\n6638\n')).toContain(`${list} --ask-vault-pass --list`)
    expect(await refusal('h.yml', 'plugin: amazon.aws.aws_ec2\n')).toContain(`${list} --list`)
    expect(await refusal('h.ini', 'localhost ansible_connection=local\n')).toContain('its connection is local')
    const error = await readFound(folder, { env: {}, say: () => {} }).catch((found: unknown) => found)
    expect(error).toHaveProperty('hint', expect.stringContaining(`ansible-inventory -i ${folder} --list`))
  })
})

describe('gateways and hosts that the user names', () => {
  test('a gateway that is not in the file is a new host', async () => {
    expect(await lines('h.ini', 'pi\n', { gateways: ['me@vps.example:2222'], ports: '9000-9000' })).toBe(
      `"vps.example": { "port": 2222, "login": { "user": "me" }, "ports": "9000-9000" },
"pi": { "forwards": ["127.0.0.1:9000:localhost:22"] },
vps.example: is not in the file, so it is a new gateway`,
    )
    expect(await refusal('h.ini', 'pi\n', { gateways: ['a b'] })).toContain('--gateway a b: "a b" is not a host name')
  })

  test('hosts are skipped by name, by glob and by group', async () => {
    const text = 'pi\nnas1\nnas2 ansible_ssh_common_args="-J gw"\n[git]\nforge\n[gateways]\ng\n'
    expect(await lines('h.ini', text, { skip: ['nas*', 'git'] })).toBe(
      `"g": {},
"pi": {},
pi: has no forward yet: import with --ports 9000-9999, or write one (FOLDER/h.ini:1)`,
    )
    expect(await refusal('h.ini', text, { skip: ['nas3'] })).toContain('--skip nas3: there is no such host or group')
    expect(
      await lines('h.ini', 'gw\na ansible_ssh_common_args="-J gw"\n', { skip: ['gw'], gateways: ['g.x'] }),
    ).toContain('a: the jump through gw, which is skipped (FOLDER/h.ini:2)')
  })
})

describe('units and command lines that keep a tunnel', () => {
  const tunnel = async (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    const { hosts, left } = await readFound(file, { env: {}, device: 'pi', say: () => {} })
    return { dials: hosts.flatMap(({ dials }) => dials ?? []), left }
  }
  const forward = { port: 9022, host: 'localhost', hostPort: 22 }

  test.each([
    [
      'a unit',
      'a.service',
      `[Service]\nEnvironment="P=9022" X=1\nExecStart=-/usr/bin/autossh -M 0 -N \\\n -R \${P}:localhost:22 gw\n`,
    ],
    ['a glued monitor', 'a', 'autossh -fNM0 -R9022:localhost:22 gw\n'],
    ['a crontab', 'a', '@reboot  sleep 9; ssh -NTR 9022:localhost:22 gw >/dev/null 2>&1 &\n'],
    ['a loop', 'a.sh', 'while true; do ssh gw -R 9022:localhost:22 -N; sleep 5; done\n'],
    ['a shell in a unit', 'a.service', '[Service]\nExecStart=/bin/sh -c "exec ssh -N -R 9022:localhost:22 gw"\n'],
    ['an option', 'a', `ssh -o 'RemoteForward 9022 localhost:22' -o ServerAliveInterval=5 gw\n`],
  ])('%s', async (_, name, text) => {
    expect(await tunnel(name, text)).toEqual({ dials: [{ ...forward, gateway: 'gw' }], left: [] })
  })

  test('what provision does in another way is told, and so is what it cannot', async () => {
    const { dials, left } = await tunnel('a', 'ssh -i /k -C -L 1:a:2 -R 1080 -R *:9022:localhost:22 -p 2222 tun@gw\n')
    expect(dials).toEqual([{ ...forward, bindAddress: '*', gateway: 'gw:2222' }])
    expect(left.join('\n').replaceAll(folder, 'FOLDER')).toMatchInlineSnapshot(`
      "pi: its tunnel logs in as tun: provision makes an account for it; write who administers gw under "login" (FOLDER/a:1)
      pi: the key /k: provision makes a key of its own on the device (FOLDER/a:1)
      pi: the option -L 1:a:2 of its ssh (FOLDER/a:1)
      pi: -R 1080: a port alone would be a SOCKS proxy into the device's network: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22" (FOLDER/a:1)"
    `)
  })

  test('RemoteForward lines are forwards of the device that has the file', async () => {
    expect(await tunnel('config', 'Host gw\n HostName x\n RemoteForward 9022 localhost:22\n')).toEqual({
      dials: [{ ...forward, gateway: 'gw' }],
      left: [],
    })
  })

  test('the inventory of it has the device, its gateway and its ports', async () => {
    const { hosts } = await readFound(join(folder, 'a'), { env: {}, device: 'pi', say: () => {} })
    expect(hosts).toHaveLength(1)
    expect(await lines('t.sh', 'ssh -N -R 9022:localhost:22 gw\n', {})).toMatch(
      /^"gw": \{\},\n".*": \{ "forwards": \["127\.0\.0\.1:9022:localhost:22"\] \},\n.*--adopt 127\.0\.0\.1:9022/,
    )
  })
})
