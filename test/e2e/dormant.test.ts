import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'
import { stateOf } from './state-of.ts'

// Somebody has edited sshd's configuration and not reloaded it: a reload of ours would bring that into force.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const both = [gateway, device]
const { clients: _, ...pair } = picture
/** Each of them has a drop-in to write or to take away in every other run, whatever its OpenSSH. */
const wish = (passwordLogin: boolean) => ({ ...pair, passwordLogin })

let it: Rehearsal
let passwords = true
beforeAll(async () => {
  it = await rehearse(wish(true), { suite: { [gateway]: 'bookworm', [device]: 'trixie' } })
}, 300_000)
afterAll(() => it?.down())

const inside = (name: string, script: string) => mustRun(it.lab.machine(name), script)
const login = async (name: string) =>
  (await it.lab.run(['ssh', '-o', 'BatchMode=yes', `user001@${name}`, 'echo in'])).stdout

/** The next change that has sshd reload on both. */
async function change() {
  passwords = !passwords
  await it.rewrite(wish(passwords))
  return it.report([it.file], { timeoutMs: 240_000 })
}
const again = () => it.report([it.file], { timeoutMs: 240_000 })

/** The run refuses this host, with these words, and it stays as it is. */
async function refused(name: string, run: typeof again, words: readonly string[]) {
  const { code, report } = await run()
  const { outcome, error } = report.hosts.find((host) => host.name === name) ?? {}
  expect({ code, outcome }).toEqual({ code: 1, outcome: 'rejected' })
  for (const word of words) expect(error?.message).toContain(word)
  expect(await login(name)).toBe('in\n')
  return error?.hint ?? ''
}

async function unchanged(name: string, run: () => Promise<string>) {
  const machine = it.lab.machine(name)
  const before = await stateOf(machine)
  const hint = await run()
  expect(await stateOf(machine)).toEqual(before)
  return hint
}

/** What the hint says to do, done; then the same run comes to its end. */
async function followed(name: string, hint: string) {
  const [, command = 'false'] = /reload sshd yourself: (systemctl \w+ \w+); then run again$/.exec(hint) ?? []
  await inside(name, command)
  expect(await login(name)).toBe('in\n')
  const { code, report } = await again()
  expect({ code, hosts: outcomes(report) }).toMatchObject({
    code: 0,
    hosts: expect.arrayContaining([`${name} changed`]),
  })
  expect(await login(name)).toBe('in\n')
}

const takesIt = async () => {
  const { code, report } = await change()
  const troubles = report.hosts.flatMap(({ error }) => error ?? [])
  expect({ code, hosts: outcomes(report), troubles }).toEqual({
    code: 0,
    hosts: both.map((name) => `${name} changed`),
    troubles: [],
  })
  for (const name of both) expect(await login(name)).toBe('in\n')
  expect((await again()).report.hosts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
}

const config = '/etc/ssh/sshd_config'
/** Reloads sshd, and waits until it has read all. */
const reloaded =
  'touch -d @0 /run/sshd.pid; systemctl reload ssh; until [ "$(stat -c %Y /run/sshd.pid 2>/dev/null || echo 0)" -gt 0 ]; do sleep 0.05; done'

test('AllowUsers without us, on a device where sshd never was told to reload by us: all that the file says is shown', async () => {
  await inside(device, `echo 'AllowUsers bob' >>${config} && sshd -t`)
  const hint = await unchanged(device, () =>
    refused(device, change, [config, 'AllowUsers bob', 'whatever is new among these lines']),
  )
  await inside(device, `sed -i '/AllowUsers/d' ${config}`)
  await followed(device, hint)
}, 300_000)

test('Port, on a gateway, in a file that an included file includes: only the lines that are new are shown', async () => {
  await inside(
    gateway,
    `mkdir /etc/ssh/extra.d && echo 'Include "extra.d/*.conf"' >${config}.d/50-site.conf && echo 'Port 2222' >/etc/ssh/extra.d/ports.conf`,
  )
  const words = [`${config}.d/50-site.conf`, '+ Include', '/etc/ssh/extra.d/ports.conf', '+ Port 2222']
  const hint = await unchanged(gateway, () => refused(gateway, change, words))
  await inside(gateway, `echo 'Port 22' >>/etc/ssh/extra.d/ports.conf`)
  await followed(gateway, hint)
  expect(await inside(gateway, 'ss -Hltn "sport = :2222"')).toContain(':2222')
}, 300_000)

test('a file that was taken away counts as well, and so does a link that leads elsewhere by now', async () => {
  await inside(gateway, `rm -r ${config}.d/50-site.conf /etc/ssh/extra.d`)
  const hint = await refused(gateway, change, [`${config}.d/50-site.conf`, '- Include'])
  await followed(gateway, hint)
  const link = `${config}.d/60-link.conf`
  await inside(
    gateway,
    `echo 'Banner none' >/root/one; echo 'AllowUsers bob' >/root/two; ln -s /root/one ${link}; ${reloaded}; ln -sfn /root/two ${link}`,
  )
  await refused(gateway, change, [link, '+ AllowUsers bob'])
  await inside(gateway, `rm ${link}; systemctl reload ssh`)
  expect((await again()).code).toBe(0)
}, 300_000)

test('a run is not taken back while something waits, for that would bring it into force as well', async () => {
  await takesIt()
  await inside(device, `echo 'AllowUsers bob' >${config}.d/70-bob.conf`)
  await unchanged(device, async () => {
    const { report } = await it.report(['undo', it.file], { timeoutMs: 240_000 })
    const { outcome, error } = report.hosts.find(({ name }) => name === device) ?? {}
    expect({ outcome, message: error?.message }).toEqual({
      outcome: 'rejected',
      message: expect.stringContaining(`${config}.d/70-bob.conf was changed and sshd has not read it since`),
    })
    expect(await login(device)).toBe('in\n')
    return ''
  })
  await inside(device, `rm ${config}.d/70-bob.conf`)
  passwords = !passwords
  await it.rewrite(wish(passwords))
  expect((await it.report(['undo', it.file, '--limit', device])).code).toBe(0)
  expect((await again()).code).toBe(0)
}, 300_000)

test('comments, blanks, touch, another mode and a copy in its place are no edits', async () => {
  for (const name of both)
    await inside(
      name,
      `printf '\\n# harmless\\n' >>${config}; touch ${config}.d/00-*; chmod 600 ${config}; cp -p ${config} /root/copy; mv /root/copy ${config}`,
    )
  await takesIt()
}, 300_000)

test('after a power cut, with a clock that stands before the last edits, nothing looks newer than it is', async () => {
  for (const name of both) {
    await it.lab.machine(name).kill()
    await it.lab.machine(name).boot()
    // As if the clock had been behind at boot, and had passed the times of the files since.
    await inside(name, `touch ${config} ${config}.d ${config}.d/*`)
  }
  await takesIt()
}, 300_000)

describe('where systemd holds the port', () => {
  beforeAll(async () => {
    for (const name of both)
      await inside(name, 'systemctl disable --now ssh.service; systemctl enable --now ssh.socket')
  })

  test('sshd is started anew, and every run goes through, as often as it likes', async () => {
    for (const _ of [1, 2, 3]) await takesIt()
    for (const name of both)
      expect(await inside(name, 'systemctl is-active ssh.socket ssh.service')).toBe('active\nactive\n')
  }, 300_000)

  test('what waits for the next start is refused there, too', async () => {
    await inside(device, `echo 'AllowUsers bob' >${config}.d/70-bob.conf`)
    const hint = await unchanged(device, () => refused(device, change, ['+ AllowUsers bob']))
    expect(hint).toContain('systemctl restart ssh;')
    await inside(device, `echo 'AllowUsers bob user001' >${config}.d/70-bob.conf`)
    await followed(device, hint)
  }, 300_000)

  test('an sshd for each connection needs no reload: it reads what is there', async () => {
    await inside(
      device,
      `printf '[Socket]\\nAccept=yes\\n' >/etc/systemd/system/ssh.socket.d.conf
       mkdir -p /etc/systemd/system/ssh.socket.d && mv /etc/systemd/system/ssh.socket.d.conf /etc/systemd/system/ssh.socket.d/accept.conf
       printf '[Service]\\nRuntimeDirectory=sshd\\nRuntimeDirectoryPreserve=yes\\nExecStart=-/usr/sbin/sshd -i\\nStandardInput=socket\\n' >/etc/systemd/system/ssh@.service
       systemctl daemon-reload; systemctl stop ssh.socket ssh.service; systemctl start ssh.socket; rm ${config}.d/70-bob.conf`,
    )
    await takesIt()
    expect(await inside(device, 'systemctl is-active ssh.service || :')).toBe('inactive\n')
  }, 300_000)

  afterAll(async () => {
    for (const name of both)
      await inside(
        name,
        'rm -rf /etc/systemd/system/ssh.socket.d; systemctl daemon-reload; systemctl disable --now ssh.socket; systemctl enable --now ssh.service',
      )
  })
})

describe('an sshd that would not read our files', () => {
  const stopped = (name: string, start: string) => inside(name, `systemctl stop ssh.service; ${start}`)
  const back = async (end: string) => {
    await inside(device, `${end}; systemctl start ssh.service`)
    expect((await again()).code).toBe(0)
  }

  test('is left alone when it was started by hand', async () => {
    await stopped(device, 'mkdir -p /run/sshd; /usr/sbin/sshd')
    await unchanged(device, () => refused(device, change, ['was started by hand']))
    await back('kill $(cat /run/sshd.pid); rm -f /run/sshd.pid')
  }, 300_000)

  test('is left alone when it reads another file', async () => {
    await stopped(
      device,
      `cp ${config} /root/other; mkdir -p /run/sshd; systemd-run --quiet --unit=own-sshd /usr/sbin/sshd -D -f /root/other`,
    )
    await unchanged(device, () => refused(device, change, ['-f /root/other']))
    await back('systemctl stop own-sshd.service')
  }, 300_000)

  test('is left alone when its unit cannot reload it, and is reloaded through a unit of the site’s own that can', async () => {
    const unit = (more: string) =>
      `printf '[Service]\\nRuntimeDirectory=sshd\\nRuntimeDirectoryPreserve=yes\\nExecStart=/usr/sbin/sshd -D\\nKillMode=process\\n${more}' >/etc/systemd/system/own.service; systemctl daemon-reload; systemctl restart own`
    await stopped(device, unit(''))
    await unchanged(device, () => refused(device, change, ['own.service', 'cannot be reloaded']))
    await inside(device, unit('ExecReload=/bin/kill -HUP $MAINPID\\n'))
    expect((await again()).code).toBe(0)
    expect(await inside(device, 'sed -n 1p /var/lib/provision/sshd-in-force')).toBe('@unit own.service\n')
    await back('systemctl stop own.service')
  }, 300_000)
})

test('host keys of a device that were replaced and that nobody knows are not brought into force', async () => {
  await inside(device, 'cp -a /etc/ssh/ssh_host_ed25519_key* /root/; rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -A')
  await refused(device, change, ['make sshd prove other host keys'])
  await inside(device, 'cp -a /root/ssh_host_ed25519_key* /etc/ssh/')
  expect((await again()).code).toBe(0)
}, 300_000)
