import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalResult } from '../../src/lab/local.ts'
import { equip, outcomes, person, picture, place, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device, neighbour] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const client = 'host001.guest.internal'

const inventory = {
  ...picture,
  devices: {
    [device]: {
      forwards: [
        '127.0.0.1:9022:localhost:22',
        '9023:localhost:22',
        `127.0.0.1:9080:${neighbour}:8080`,
        '[::1]:9024:[::1]:22',
        { bindAddress: '*', port: 9025, host: 'localhost', hostPort: 22, expose: true },
      ],
    },
    [neighbour]: {},
  },
}

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  await it.lab.machine(neighbour).sh(webPage)
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report), states: states(report) }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`, `${neighbour} ok`],
    states: ['ok', 'ok', 'ok', 'ok', 'ok'],
  })
  await equip(it, client)
  // What a person once said yes to, on the gateway.
  const known = `ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key | sed 's/^/[127.0.0.1]:9022 /'`
  const { stdout } = await it.lab.machine(device).sh(known)
  await place(it.lab.machine(gateway), { path: '/home/user001/.ssh/known_hosts', text: stdout, owner: 'user001' })
})
afterAll(() => it?.down())

/** A printer's web page: it says nothing until it is asked. */
const webPage = `
cat >/etc/systemd/system/page.socket <<'END'
[Socket]
ListenStream=8080
Accept=yes
END
cat >/etc/systemd/system/page@.service <<'END'
[Service]
ExecStart=/bin/sh -c 'read -r asked; printf "HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\ntoner: 80 %%%%\\\\n"'
StandardInput=socket
StandardOutput=socket
END
systemctl daemon-reload && systemctl start page.socket`

const host001 = (script: string) => person(it.lab.machine(client), script)
const said = ({ code, stdout, stderr }: LocalResult) => ({
  code,
  stdout: stdout.trim(),
  stderr: code === 0 ? '' : stderr,
})
const says = (stdout: string) => ({ code: 0, stdout, stderr: '' })
const get = (port: number) =>
  `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3`

test('from host001, ssh host-a.lan.internal just works', async () => {
  expect(said(await host001(`ssh ${device} 'hostname; id -un'`))).toEqual(says(`${device}\nuser001`))
})

test('with ProxyCommand and compression, too', async () => {
  const hop = `ssh -C ${gateway} -W %h:%p`
  expect(said(await host001(`ssh -o ProxyCommand='${hop}' ${device} hostname`))).toEqual(says(device))
})

test('one hop more reaches the neighbour of the device', async () => {
  expect(said(await host001(`ssh -J ${device} ${neighbour} hostname`))).toEqual(says(neighbour))
})

test('two steps: log in to the gateway with the agent, and from there to the port', async () => {
  const second = 'ssh -o BatchMode=yes -p 9022 user001@127.0.0.1 hostname'
  const script = `eval "$(ssh-agent)" >/dev/null; trap 'ssh-agent -k >/dev/null' EXIT; ssh-add -q; echo '${second}' | ssh -A ${gateway} bash -ls`
  expect(said(await host001(script))).toEqual(says(device))
})

test('one line: a terminal on the device through a terminal on the gateway', async () => {
  const line = `ssh -A -t user001@${gateway} ssh -t -p 9022 user001@127.0.0.1 '"tty; hostname"'`
  const script = `eval "$(ssh-agent)" >/dev/null; trap 'ssh-agent -k >/dev/null' EXIT; ssh-add -q; script -qec ${JSON.stringify(line)} /dev/null`
  const { code, stdout } = await host001(script)
  expect({ code, lines: stdout.split(/\r*\n/).slice(0, 2) }).toEqual({
    code: 0,
    lines: [expect.stringMatching(/\/dev\/pts\/\d$/), device],
  })
})

test('without a key nobody gets in, at either hop', async () => {
  const keyless = '-o BatchMode=yes -o IdentityFile=/nonexistent'
  const denied = { code: 255, stderr: expect.stringContaining('Permission denied') }
  expect(await host001(`ssh ${keyless} ${gateway} hostname`)).toMatchObject(denied)
  const hop = `ssh ${gateway} -W %h:%p`
  expect(await host001(`ssh ${keyless} -o ProxyCommand='${hop}' ${device} hostname`)).toMatchObject(denied)
})

test('scp carries every byte, both ways', async () => {
  const { code, stdout, stderr } = await host001(`
    head -c 5000000 /dev/urandom >up && scp -q up ${device}:there && scp -q ${device}:there down &&
    sha256sum <up && ssh ${device} 'sha256sum <there' && sha256sum <down`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.trim().split('\n').length).toBe(3)
  expect(new Set(stdout.trim().split('\n')).size).toBe(1)
})

test('an editor: a login shell fed by stdin, a dynamic forward beside it, twenty channels at once', async () => {
  const socks = (n: number) => `(
    exec 3<>/dev/tcp/127.0.0.1/1080
    printf '\\x04\\x01\\x1f\\x90\\x00\\x00\\x00\\x01\\x00${neighbour}\\x00' >&3
    [ "$(head -c 2 <&3 | od -An -tx1)" = ' 00 5a' ] && head -c 6 <&3 >/dev/null
    printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; echo "${n} $(tail -n 1 <&3)" ) &`
  const script = `
    coproc ssh -T -D 1080 ${device} bash --login
    echo 'echo ready; hostname' >&\${COPROC[1]}
    read -r word <&\${COPROC[0]}; read -r name <&\${COPROC[0]}; echo "$word $name"
    ${Array.from({ length: 20 }, (_, n) => socks(n)).join('\n')}
    for job in $(jobs -p); do [ "$job" = "$COPROC_PID" ] || wait "$job"; done
    echo 'exit 7' >&\${COPROC[1]}; wait "$COPROC_PID"; echo "the shell ended with $?"`
  const { stdout, stderr } = await host001(script)
  const lines = stdout.trim().split('\n')
  expect({ first: lines[0], last: lines.at(-1), stderr }).toEqual({
    first: `ready ${device}`,
    last: 'the shell ended with 7',
    stderr: '',
  })
  const pages = lines.slice(1, -1).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
  expect(pages).toEqual(Array.from({ length: 20 }, (_, n) => `${n} toner: 80 %`))
})

test('-L through the device reaches what the device reaches', async () => {
  const script = `ssh -f -o ExitOnForwardFailure=yes -L 8080:${neighbour}:8080 ${device} sleep 3; ${get(8080)}`
  expect(said(await host001(script))).toEqual(says('toner: 80 %'))
})

test('a forward may end at another host: the web page of a printer in the LAN', async () => {
  expect(said(await person(it.lab.machine(gateway), get(9080)))).toEqual(says('toner: 80 %'))
  const script = `ssh -f -o ExitOnForwardFailure=yes -L 8081:127.0.0.1:9080 ${gateway} sleep 3; ${get(8081)}`
  expect(said(await host001(script))).toEqual(says('toner: 80 %'))
})

test('a bind address left out is loopback; IPv6 stands in brackets', async () => {
  expect(said(await host001(`ssh -p 9023 ${device} hostname`))).toEqual(says(device))
  expect(said(await host001(`ssh -o HostName=::1 -p 9024 ${device} hostname`))).toEqual(says(device))
  const listening = await it.lab.machine(gateway).sh(`ss -Hltn | awk '{print $4}' | grep :90 | sort`)
  expect(listening.stdout.trim().split('\n')).toEqual(
    ['*:9025', '127.0.0.1:9022', '127.0.0.1:9023', '127.0.0.1:9080', '[::1]:9024'].sort(),
  )
})

test('an exposed port is reached by its neighbours, the others are not', async () => {
  const straight = `-o ProxyJump=none -o HostName=${gateway}`
  expect(said(await host001(`ssh ${straight} -p 9025 ${device} hostname`))).toEqual(says(device))
  const { code, stderr } = await host001(`ssh ${straight} -p 9022 ${device} hostname`)
  expect({ code, stderr }).toMatchObject({ code: 255, stderr: expect.stringContaining('Connection refused') })
})

test('to expose a port, the inventory has to say so', async () => {
  const other = join(it.folder, 'exposed.json')
  await writeFile(other, JSON.stringify({ ...picture, devices: { [device]: { forwards: ['*:9025:localhost:22'] } } }))
  const { code, stdout, stderr } = await it.provision([other])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('other machines than the gateway could reach this port: bind to 127.0.0.1')
})

describe('the internet case: port 1022, which sshd would open for root only', () => {
  const [gw, sshd001, mobile001] = ['ssh-gw.example.jp', 'sshd001.internal', 'mobile001.internal']
  let internet: Rehearsal
  beforeAll(async () => {
    internet = await rehearse({
      login: { user: 'user001' },
      gateways: { [gw]: {} },
      devices: { [sshd001]: { forwards: ['127.0.0.1:1022:localhost:22'] } },
      clients: { [mobile001]: {} },
    })
  })
  afterAll(() => internet?.down())

  test('works without any right of root for the tunnel', async () => {
    const { code, report } = await internet.report([internet.file])
    expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
    await equip(internet, mobile001)
    expect(said(await person(internet.lab.machine(mobile001), `ssh ${sshd001} hostname`))).toEqual(says(sshd001))
    const { stdout } = await internet.lab.machine(gw).sh('ps -o user:32= -C systemd-socket-proxyd')
    expect(stdout.trim()).toMatch(/^tunnel-sshd001-/)
  })

  test('and is refused in a sentence where sshd is to own the port', async () => {
    const other = join(internet.folder, 'other.json')
    const wish = { port: 1022, host: 'localhost', hostPort: 22, listener: 'sshd' }
    await writeFile(other, JSON.stringify({ gateways: { [gw]: {} }, devices: { [sshd001]: { forwards: [wish] } } }))
    const { code, stdout, stderr } = await internet.provision([other])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('port 1022: sshd opens ports below 1024 for root only; write "listener": "socket"')
  })
})
