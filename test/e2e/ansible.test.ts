import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Rehearsal, rehearse, states } from './kit.ts'

const [gw1, gw2] = ['ssh-gw1.guest.internal', 'ssh-gw2.guest.internal'] as const
const [both, other] = ['host-a.lan.internal', 'host-b.lan.internal'] as const
const door = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
/** To Ansible both devices would be 127.0.0.1:9022, if it went by addresses. */
const inventory = {
  login: { user: 'user001' },
  gateways: { [gw1]: {}, [gw2]: {} },
  devices: { [both]: { forwards: [door(gw1, 9022), door(gw2, 9023)] }, [other]: { forwards: [door(gw2, 9022)] } },
  groups: { 'site-a': { devices: [both] } },
}

/** No module that wants Python on its hosts. */
const playbook = `
- hosts: all
  gather_facts: false
  tasks:
    - name: who is it
      ansible.builtin.raw: hostname
      register: said
      changed_when: false
    - name: it is the one that was meant
      ansible.builtin.assert: { that: said.stdout | trim == inventory_hostname }
    - name: a file goes there and runs there
      ansible.builtin.script: there.sh
      register: there
    - name: as root
      ansible.builtin.raw: id -un
      become: true
      register: who
      failed_when: who.stdout | trim != 'root'
- hosts: site_a
  gather_facts: false
  tasks:
    - name: a group of the inventory
      ansible.builtin.raw: "true"
`

let it: Rehearsal
let runs = 0
beforeAll(async () => {
  it = await rehearse(inventory)
  await writeFile(join(it.folder, 'site.yml'), playbook)
  await writeFile(join(it.folder, 'there.sh'), '#!/bin/sh\necho "there: $(hostname)"\n')
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok', 'ok', 'ok'] })
})
afterAll(() => it?.down())

interface Recap {
  readonly code: number
  /** `ok=… changed=… unreachable=… failed=…` of each host. */
  readonly hosts: Record<string, string>
  readonly said: string
}

/** In the guest network, which cannot call the devices. */
async function play(hosts: string, ...words: string[]): Promise<Recap> {
  const { code, stdout, stderr } = await it.lab.run(
    ['ansible-playbook', '-i', join(it.folder, hosts), join(it.folder, 'site.yml'), ...words],
    {
      from: 'guest',
      timeoutMs: 110_000,
      env: {
        ANSIBLE_HOME: join(it.folder, 'home'),
        // Shared within a run, and with no run before it.
        ANSIBLE_SSH_CONTROL_PATH_DIR: join(it.folder, `cp${runs++}`),
        ANSIBLE_SSH_ARGS: '-o ControlMaster=auto -o ControlPersist=5s',
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_TIMEOUT: '20',
        LC_ALL: 'C.UTF-8',
      },
    },
  )
  const lines = [...stdout.matchAll(/^(\S+)\s+: (ok=\d+\s+changed=\d+\s+unreachable=\d+\s+failed=\d+)/gm)]
  return {
    code,
    hosts: Object.fromEntries(lines.map(([, name, told]) => [name, told?.replaceAll(/\s+/g, ' ')])),
    said: stdout + stderr,
  }
}

const fine = 'ok=4 changed=2 unreachable=0 failed=0'
const allFine = { [gw1]: fine, [gw2]: fine, [both]: 'ok=5 changed=3 unreachable=0 failed=0', [other]: fine }

test('a playbook that knows nothing of tunnels reaches every host through them', async () => {
  const kept = await it.provision(['export', it.file, '--format', 'ansible', '--out', join(it.folder, 'ansible')])
  expect(kept).toMatchObject({ code: 0, stderr: '' })
  const { code, hosts, said } = await play('ansible/hosts.json')
  expect({ code, hosts }, said).toEqual({ code: 0, hosts: allFine })
})

test('asked anew at each run, and by the second gateway while the first leads nowhere', async () => {
  const program = join(it.folder, 'hosts.sh')
  const bin = join(import.meta.dirname, '../../bin/provision.js')
  await writeFile(program, `#!/bin/sh\nexec ${process.execPath} ${bin} export ${it.file} --format ansible "$@"\n`)
  await chmod(program, 0o755)
  const socket = 'reverse-tunnel-127.0.0.1_9022.socket'
  await it.lab.machine(gw1).sh(`systemctl stop ${socket}`)
  onTestFinished(async () => void (await it.lab.machine(gw1).sh(`systemctl start ${socket}`)))
  const { code, hosts, said } = await play('hosts.sh')
  expect({ code, hosts }, said).toEqual({ code: 0, hosts: allFine })
})

test('a host that proves another key is not worked on, and stops nobody else', async () => {
  const file = join(it.folder, 'ansible/known_hosts')
  const pins = await readFile(file, 'utf8')
  const key = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(pins)?.[1] ?? ''
  await writeFile(file, pins.replaceAll(new RegExp(`^${other} .*$`, 'gm'), `${other} ${key(gw2)}`))
  const { code, hosts, said } = await play('ansible/hosts.json', '--limit', `${gw1},${other}`)
  expect({ code, hosts }, said).toEqual({
    code: 4,
    hosts: { [gw1]: fine, [other]: 'ok=0 changed=0 unreachable=1 failed=0' },
  })
  expect(said).toContain('Host key verification failed')
})
