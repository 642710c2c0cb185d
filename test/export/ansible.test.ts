import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ansibleInventory, printHost, printList, printStatic } from '../../src/export/ansible.ts'
import { parse } from '../inventory/parse.ts'
import { type Lab, lab, me, type Sshd } from '../ssh/session/fixture.ts'

const site = parse(`{
  "login": { "user": "user001" },
  "gateways": {
    "gw1": { "address": "203.0.113.5", "port": 2222, "login": { "user": "root", "identityFile": "~/.ssh/gate way" } },
    "gw2": {},
  },
  "devices": {
    "both": { "forwards": [
      { "gateway": "gw1", "port": 9022, "host": "localhost", "hostPort": 22 },
      { "gateway": "gw1", "port": 9023, "host": "localhost", "hostPort": 22 },
      { "gateway": "gw2", "bindAddress": "::1", "port": 9022, "host": "localhost", "hostPort": 22 },
    ] },
    "one": { "forwards": [{ "gateway": "gw2", "port": 9024, "host": "127.0.0.1", "hostPort": 22 }] },
    "printer": { "address": "192.0.2.7", "forwards": [{ "gateway": "gw2", "port": 9080, "host": "printer", "hostPort": 80 }] },
    "jumped": { "address": "2001:db8::7", "via": ["gw2"] },
  },
  "groups": { "site-berlin": { "devices": ["both", "one"] }, "2nd": { "devices": ["jumped"] } },
}`)

test('devices go through their forwards, each host key is pinned, groups have names that Ansible takes', () => {
  expect(printStatic(ansibleInventory(site, '{{ inventory_dir }}/known_hosts'))).toMatchInlineSnapshot(`
    "{
      "all": {
        "hosts": {
          "gw1": {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": "/home/user001/.ssh/gate way",
            "ansible_ssh_common_args": "-o HostKeyAlias=gw1 -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o HostName=203.0.113.5 -o Port=2222"
          },
          "gw2": {
            "ansible_user": "user001",
            "ansible_ssh_common_args": "-o HostKeyAlias=gw2 -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no"
          },
          "both": {
            "ansible_user": "user001",
            "ansible_ssh_common_args": "-o HostKeyAlias=both -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o 'ProxyCommand=sh -c '\\\\''ssh -o HostKeyAlias=gw1 -o '\\\\''\\\\'\\\\'''\\\\''UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"'\\\\''\\\\'\\\\'''\\\\'' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o HostName=203.0.113.5 -o Port=2222 -o User=root -o '\\\\''\\\\'\\\\'''\\\\''IdentityFile=\\"/home/user001/.ssh/gate way\\"'\\\\''\\\\'\\\\'''\\\\'' -o BatchMode=yes -o ConnectTimeout=4 -W 127.0.0.1:9022 gw1 || ssh -o HostKeyAlias=gw2 -o '\\\\''\\\\'\\\\'''\\\\''UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"'\\\\''\\\\'\\\\'''\\\\'' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o User=user001 -o BatchMode=yes -o ConnectTimeout=4 -W '\\\\''\\\\'\\\\'''\\\\''[::1]:9022'\\\\''\\\\'\\\\'''\\\\'' gw2'\\\\'''"
          },
          "one": {
            "ansible_user": "user001",
            "ansible_ssh_common_args": "-o HostKeyAlias=one -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o 'ProxyCommand=ssh -o HostKeyAlias=gw2 -o '\\\\''UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"'\\\\'' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o User=user001 -W 127.0.0.1:9024 gw2'"
          },
          "printer": {
            "ansible_user": "user001",
            "ansible_ssh_common_args": "-o HostKeyAlias=printer -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o HostName=192.0.2.7"
          },
          "jumped": {
            "ansible_user": "user001",
            "ansible_ssh_common_args": "-o HostKeyAlias=jumped -o 'UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o 'ProxyCommand=ssh -o HostKeyAlias=gw2 -o '\\\\''UserKnownHostsFile=\\"{{ inventory_dir }}/known_hosts\\"'\\\\'' -o StrictHostKeyChecking=yes -o CheckHostIP=no -o User=user001 -W '\\\\''[2001:db8::7]:22'\\\\'' gw2'"
          }
        },
        "children": {
          "gateways": {
            "hosts": {
              "gw1": {},
              "gw2": {}
            }
          },
          "devices": {
            "hosts": {
              "both": {},
              "one": {},
              "printer": {},
              "jumped": {}
            }
          },
          "site_berlin": {
            "hosts": {
              "both": {},
              "one": {}
            }
          },
          "_2nd": {
            "hosts": {
              "jumped": {}
            }
          }
        }
      }
    }
    "
  `)
})

test('as a dynamic inventory it says the same', () => {
  const wanted = ansibleInventory(site, '/k')
  const list = JSON.parse(printList(wanted))
  expect(list._meta.hostvars).toEqual(wanted.hosts)
  expect(list.all.children).toEqual(['gateways', 'devices', 'site_berlin', '_2nd'])
  expect(list.site_berlin).toEqual({ hosts: ['both', 'one'] })
  expect(JSON.parse(printHost(wanted, 'one'))).toEqual(wanted.hosts.one)
  expect(printHost(wanted, 'nobody')).toBe('{}\n')
})

test('a group that is something else to Ansible is refused', () => {
  const named = (name: string) => parse(`{ "devices": { "pi": {} }, "groups": { "${name}": { "devices": ["pi"] } } }`)
  for (const name of ['all', 'ungrouped', 'gateways', 'devices']) {
    expect(() => ansibleInventory(named(name), '/k')).toThrow(`the group ${name} has a name`)
  }
})

describe('with two gateways and two devices behind the same words', () => {
  let it: Lab
  let [gw1, gw2, one, two]: Sshd[] = []
  /** With all that needs quoting. */
  let folder: string
  beforeAll(async () => {
    it = lab()
    ;[gw1, gw2, one, two] = await Promise.all([it.sshd(), it.sshd(), it.sshd(), it.sshd()])
    folder = join(it.folder, "a team's 100% folder")
    mkdirSync(folder)
  })
  afterAll(() => it?.end())

  /** `one` on port P of the first, `two` on port P of the second gateway, as far as Ansible sees. */
  const inventory = (ports: { first?: number; second?: number; pin?: Sshd; moved?: boolean }) => {
    const gateway = (sshd?: Sshd) => ({ address: '127.0.0.1', port: sshd?.port })
    const door = (gateway: string, port?: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
    const key = (name: string, sshd?: Sshd) => `${name} ${sshd?.hostKeys[0]}\n`
    const file = join(folder, 'known_hosts')
    writeFileSync(file, key('gw1', gw1) + key('gw2', gw2) + key('pi', ports.pin ?? one) + key('other', two))
    const text = {
      login: { user: me, identityFile: it.key },
      gateways: { gw1: gateway(gw1), gw2: gateway(gw2) },
      devices: {
        pi: { forwards: [door('gw1', ports.first ?? one?.port), door('gw2', ports.second ?? one?.port)] },
        other: { forwards: [door('gw2', two?.port)] },
      },
    }
    return ansibleInventory(parse(JSON.stringify(text)), ports.moved ? '{{ inventory_dir }}/known_hosts' : file)
  }
  const login = (wanted: ReturnType<typeof inventory>, name: string) => {
    const { ansible_ssh_common_args: args } = wanted.hosts[name] ?? {}
    // As Ansible takes it apart: shlex.split follows the rules of the shell.
    const script = `exec ssh -F none -o BatchMode=yes -l ${me} -i ${it.key} ${args} ${name} 'echo there $SSH_CONNECTION'`
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', timeout: 20_000 })
    return { status, by: stdout.trim().split(' ').at(-1), stderr }
  }

  test('each is reached, and by the second gateway where the first leads nowhere', () => {
    expect(login(inventory({}), 'pi')).toMatchObject({ status: 0, by: String(one?.port) })
    expect(login(inventory({}), 'other')).toMatchObject({ status: 0, by: String(two?.port) })
    expect(gw1?.log()).toContain('Accepted publickey')
    expect(login(inventory({ first: 1 }), 'pi')).toMatchObject({ status: 0, by: String(one?.port) })
    expect(login(inventory({ first: 1, second: 1 }), 'pi').status).toBe(255)
  })

  test('whoever proves another key is refused', () => {
    const { status, stderr } = login(inventory({ pin: two as Sshd }), 'pi')
    expect([status, stderr.includes('Host key verification failed')]).toEqual([255, true])
  })

  test('Ansible itself goes there, from the file and from the folder it was moved to', () => {
    const moved = join(it.folder, 'a folder')
    mkdirSync(moved)
    const portable = printStatic(inventory({ moved: true }))
    writeFileSync(join(moved, 'known_hosts'), readFileSync(join(folder, 'known_hosts')))
    for (const [place, text] of [
      [folder, printStatic(inventory({}))],
      [moved, portable],
    ] as const) {
      writeFileSync(join(place, 'hosts.json'), text)
      expect(ends(place)).toEqual([`gw1 ${gw1?.port}`, `gw2 ${gw2?.port}`, `other ${two?.port}`, `pi ${one?.port}`])
    }
  })

  /** Where the sshd says that Ansible came in, host by host. */
  const ends = (place: string) => {
    const env = {
      PATH: process.env.PATH,
      HOME: it.folder,
      LC_ALL: 'C.UTF-8',
      ANSIBLE_SSH_ARGS: '-F none -o ControlMaster=auto -o ControlPersist=5s -o BatchMode=yes',
    }
    const words = ['-i', join(place, 'hosts.json'), 'all', '-m', 'raw', '-a', 'echo $SSH_CONNECTION']
    const said = execFileSync('ansible', words, { env, encoding: 'utf8' })
    return [...said.matchAll(/^(\S+) \| CHANGED \| rc=0 >>\n.* (\d+)$/gm)]
      .map(([, name, port]) => `${name} ${port}`)
      .sort()
  }
})
