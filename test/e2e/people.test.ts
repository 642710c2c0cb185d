import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { outcomes, person, place, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

const [gw1, gw2] = ['ssh-gw1.guest.internal', 'ssh-gw2.guest.internal'] as const
const [device, other, client] = ['host-a.lan.internal', 'host-b.lan.internal', 'host001.guest.internal'] as const
const door = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
const inventory = {
  login: { user: 'user001' },
  gateways: { [gw1]: {}, [gw2]: {} },
  devices: {
    [device]: { forwards: [door(gw1, 9101), door(gw2, 9202)] },
    [other]: { address: '192.0.2.1', forwards: [door(gw1, 9102)] },
  },
  clients: { [client]: {} },
}
/** One that is in the inventory for a while only, and needs no machine for that. */
const { [other]: _, ...devices } = inventory.devices
const without = { ...inventory, devices }

let it: Rehearsal
let home: string
beforeAll(async () => {
  it = await rehearse(without)
  home = await mkdtemp(join(tmpdir(), 'provision-home-'))
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report), states: states(report) }).toMatchObject({ code: 0, states: ['ok', 'ok'] })
})
afterAll(async () => {
  await it?.down()
  if (home) await rm(home, { recursive: true })
})

const host001 = (script: string, timeoutMs = 40_000) => person(it.lab.machine(client), script, { timeoutMs })
const inside = async (name: string, script: string) => {
  await mustRun(it.lab.machine(name), script)
}
const write = () => it.provision(['ssh-config', it.file, '--client', client, '--write'], { env: { HOME: home } })
const of = (file: string) => readFile(join(home, '.ssh', file), 'utf8')
/** All that the command keeps for the people of the client, on their own machine. */
async function handOver() {
  await inside(client, 'install -d -m 700 -o user001 -g user001 /home/user001/.ssh/config.d')
  const kept = (await readdir(join(home, '.ssh/config.d'))).map((name) => `config.d/${name}`)
  for (const name of ['config', ...kept]) {
    await place(it.lab.machine(client), { path: `/home/user001/.ssh/${name}`, text: await of(name), owner: 'user001' })
  }
}
/** By which gateway did it go, and where did it end. */
const login = async () => {
  const began = performance.now()
  const { code, stdout, stderr } = await host001(`ssh -v ${device} hostname`)
  const by = [...stderr.matchAll(/implicit ProxyCommand from ProxyJump: .* (\S+)$/gm)].map(([, gateway]) =>
    gateway?.trim(),
  )
  return { code, stdout: stdout.trim(), by: by[0], seconds: (performance.now() - began) / 1000 }
}

test('--write keeps a block, its host keys and one line, and drops a device that has left', async () => {
  await it.rewrite(inventory)
  const missing = await write()
  expect(missing).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`no full host key is pinned for ${other}`),
  })
  expect(await of('config.d/provision-inventory.conf')).toContain(`Host ${other}\n`)
  await it.rewrite(without)
  expect(await write()).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `~/.ssh/config.d/provision-inventory.known_hosts  unchanged
~/.ssh/config.d/provision-inventory.conf  written
~/.ssh/config  unchanged\n`,
  })
  expect(await of('config')).toBe('Include ~/.ssh/config.d/provision-*.conf\n')
  expect(await of('config.d/provision-inventory.conf')).not.toContain(other)
  await handOver()
  expect(await login()).toMatchObject({ code: 0, stdout: device, by: gw1 })
})

test('the two ways of the picture, with the block and without any: ProxyCommand with -W, and ProxyJump', async () => {
  const command = await host001(`ssh -o ProxyCommand='ssh -C ${gw2} -W %h:%p' -p 9202 ${device} hostname`)
  expect(command).toMatchObject({ code: 0, stdout: `${device}\n` })
  expect(await host001(`ssh -J ${gw2} -p 9202 ${device} hostname`)).toMatchObject({ code: 0, stdout: `${device}\n` })
  await host001('cat .ssh/config.d/*.known_hosts >.ssh/known_hosts')
  const bare = `ssh -F none -o BatchMode=yes -o HostKeyAlias=${device} -p 9101`
  const [jump, hop] = [`-J ${gw1}`, `-o ProxyCommand='ssh -F none -o BatchMode=yes ${gw1} -W %h:%p'`]
  for (const way of [jump, hop]) {
    expect(await host001(`${bare} ${way} 127.0.0.1 hostname`)).toMatchObject({ code: 0, stdout: `${device}\n` })
  }
})

/** All that people and editors do: copies, both kinds of forwards, a login shell fed by stdin. */
const work = `
  head -c 300000 /dev/urandom >up && scp -q up ${device}:there && scp -q ${device}:there down && cmp up down && echo copied
  coproc ssh -T -D 1080 -L 2222:localhost:22 -o ExitOnForwardFailure=yes ${device} bash --login
  echo 'echo ready; hostname' >&\${COPROC[1]}
  read -r word <&\${COPROC[0]}; read -r name <&\${COPROC[0]}; echo "$word $name"
  exec 3<>/dev/tcp/127.0.0.1/2222; head -c 4 <&3; echo
  exec 4<>/dev/tcp/127.0.0.1/1080; printf '\\x04\\x01\\x00\\x16\\x7f\\x00\\x00\\x01\\x00' >&4
  head -c 8 <&4 >/dev/null; head -c 4 <&4; echo
  exec 3>&- 4>&-; echo 'exit 7' >&\${COPROC[1]}; wait "$COPROC_PID"; echo "the shell ended with $?"`
const done = ['copied', `ready ${device}`, 'SSH-', 'SSH-', 'the shell ended with 7']

test('login shell, copies and forwards through the first gateway', async () => {
  const { stdout, stderr } = await host001(work)
  expect({ lines: stdout.trim().split('\n'), stderr }).toEqual({ lines: done, stderr: '' })
})

describe('when the first gateway leads nowhere, the second does', () => {
  test('at once, where the port is not open there', async () => {
    const socket = 'reverse-tunnel-127.0.0.1_9101.socket'
    await inside(gw1, `systemctl stop ${socket}`)
    onTestFinished(() => inside(gw1, `systemctl start ${socket}`))
    const found = await login()
    expect(found).toMatchObject({ code: 0, stdout: device, by: gw2 })
    expect(found.seconds).toBeLessThan(8)
  })

  test('by its name, where the device has lost its tunnel to the first', async () => {
    await inside(device, `systemctl stop reverse-tunnel-${gw1}.service`)
    onTestFinished(() => inside(device, `systemctl start reverse-tunnel-${gw1}.service`))
    expect(await login()).toMatchObject({ code: 255, by: gw1 })
    expect(await host001(`ssh -J ${gw2} -p 9202 ${device} hostname`)).toMatchObject({ code: 0, stdout: `${device}\n` })
  })

  test('after four seconds, where the gateway is off; all that people do works then', async () => {
    await it.lab.machine(gw1).kill()
    const found = await login()
    expect(found).toMatchObject({ code: 0, stdout: device, by: gw2 })
    expect(found.seconds).toBeLessThan(12)
    const { stdout, stderr } = await host001(work, 60_000)
    expect({ lines: stdout.trim().split('\n'), stderr }).toEqual({ lines: done, stderr: '' })
  })
})
