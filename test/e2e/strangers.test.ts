import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import type { Report } from '../../src/report/report.ts'
import { commandIn } from './edits/command.ts'
import { differences, type Look, look } from './edits/look.ts'
import { outcomes, place, type Rehearsal, rehearse, states } from './kit.ts'
import { mustRun } from './must-run.ts'

/**
 * What somebody else has made by hand stands where provision wants something. It says who that is, touches nothing, and
 * names the way out. Each kind on a gateway and a device of its own.
 */
const asleep = ['users-device', 'users-gateway', 'port-device', 'port-gateway'] as const
const kinds = ['daemon', 'wildcard', 'sshd', 'second', 'session', 'account', 'neighbours', ...asleep] as const
type Kind = (typeof kinds)[number]
const gatewayOf = (kind: Kind) => `gw-${kind}.guest.internal`
const deviceOf = (kind: Kind) => `${kind}.lan.internal`

interface Wish {
  readonly port?: number
  readonly listener?: 'socket' | 'sshd'
  readonly address?: string
}
const inventory = (of: readonly Kind[], { port = 9022, listener = 'socket', address = '127.0.0.1' }: Wish = {}) => ({
  login: { user: 'user001' },
  gateways: Object.fromEntries(of.map((kind) => [gatewayOf(kind), { listener }])),
  devices: Object.fromEntries(
    of.map((kind) => {
      const forward = { gateway: gatewayOf(kind), bindAddress: address, port, host: 'localhost', hostPort: 22 }
      return [deviceOf(kind), { forwards: [forward] }]
    }),
  ),
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory(kinds))
})
afterAll(() => it?.down())

const gateway = (kind: Kind) => it.lab.machine(gatewayOf(kind))
const device = (kind: Kind) => it.lab.machine(deviceOf(kind))

async function fileOf(kind: Kind, wish: Wish = {}): Promise<string> {
  const file = join(it.folder, `${kind}-${wish.port ?? ''}-${wish.listener ?? ''}-${wish.address ?? ''}.json`)
  await writeFile(file, JSON.stringify(inventory([kind], wish)))
  return file
}

/** What a host said, with its way out. */
function said({ hosts }: Report, name: string): string {
  const error = hosts.find((host) => host.name === name)?.error
  return `${error?.message}\n  hint: ${error?.hint}`
}

type Looks = readonly (readonly [Machine, Look])[]
const looksAt = (kind: Kind): Promise<Looks> =>
  Promise.all([gateway(kind), device(kind)].map(async (machine) => [machine, await look(machine)] as const))

async function differing(kind: Kind, before: Looks): Promise<string[]> {
  const after = await looksAt(kind)
  return before.flatMap(([, was], at) => differences(was, after[at]?.[1] ?? was))
}

/** Nobody has lost anything by it; what provision has made beside them does not count. */
async function lost(kind: Kind, before: Looks): Promise<string[]> {
  return (await differing(kind, before)).filter((line) => !line.startsWith('new'))
}

test('what is compared here sees a file, a mode, an account, a key, a unit and a process that are not as they were', async () => {
  const machine = gateway('account')
  await mustRun(
    machine,
    `useradd -m dora; echo old >/etc/hers; echo 'ssh-ed25519 AAAA hers' >/home/dora/authorized_keys
    printf '[Service]\\nUser=dora\\nExecStart=/usr/bin/sleep infinity\\n' >/etc/systemd/system/hers.service
    systemctl daemon-reload; systemctl start hers.service`,
  )
  const before = await look(machine)
  expect(differences(before, await look(machine))).toEqual([])
  await mustRun(
    machine,
    `echo new >/etc/hers; chmod 600 /etc/systemd/system/hers.service; usermod -c 'provision x4p8t1nz' dora
    echo '# provision x4p8t1nz' >/etc/marked; : >/home/dora/authorized_keys; systemctl restart hers.service`,
  )
  const found = differences(before, await look(machine), ['x4p8t1nz'])
  expect(found).toHaveLength(6)
  expect(found).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^changed: content of \/etc\/hers: /),
      expect.stringMatching(/^changed: \/etc\/systemd\/system\/hers.service: f/),
      expect.stringMatching(/^gone: \/home\/dora\/authorized_keys ssh-ed25519 AAAA hers/),
      expect.stringMatching(/^changed: unit hers.service: active/),
      expect.stringMatching(/^gone: process of dora {2}sleep/),
      expect.stringMatching(/^changed: \/etc\/passwd dora: /),
    ]),
  )
})

const perl = (address: string, port: number) => `
  printf '%s\\n' 'use IO::Socket::INET;' \\
    'my $s = IO::Socket::INET->new(LocalAddr => "${address}:${port}", Listen => 5, ReuseAddr => 1) or die;' \\
    'while (my $c = $s->accept) { print $c "mine"; close $c }' >/usr/local/bin/mine.pl
  useradd -m carol
  printf '[Service]\\nUser=carol\\nExecStart=/usr/bin/perl /usr/local/bin/mine.pl\\n[Install]\\nWantedBy=multi-user.target\\n' \\
    >/etc/systemd/system/mine.service
  systemctl enable -q --now mine.service
  until ss -Hltn | grep -q ':${port} '; do sleep 0.1; done`

/** Program, process, user, and since when. */
const named = (program: string, user: string) => [
  new RegExp(program),
  /\b(pid|process) \d+/,
  new RegExp(`\\b${user}\\b`),
  /\bsince \d{4}-\d\d-\d\d|\bsince \w+/,
]

describe('a port that somebody else holds', () => {
  const kindsOfHolders: readonly [string, Kind, Wish, string, readonly RegExp[]][] = [
    ['a daemon', 'daemon', { port: 9022 }, perl('127.0.0.1', 9022), named('perl', 'carol')],
    ['a daemon, our port being of sshd', 'daemon', { port: 9022, listener: 'sshd' }, ':', named('perl', 'carol')],
    ['a daemon on all addresses', 'wildcard', { port: 9022 }, perl('0.0.0.0', 9022), named('perl', 'carol')],
    ["the gateway's sshd", 'sshd', { port: 22 }, ':', named('sshd', 'root')],
    [
      "the gateway's sshd with a second port",
      'second',
      { port: 2222 },
      "printf 'Port 22\\nPort 2222\\n' >/etc/ssh/sshd_config.d/05.conf; systemctl restart ssh",
      named('sshd', 'root'),
    ],
    ['the same, our port being of sshd', 'second', { port: 2222, listener: 'sshd' }, ':', named('sshd', 'root')],
  ]
  test.each(kindsOfHolders)(
    '%s is named in the plan and in the refusal, and lives on',
    async (_, kind, wish, prepare, words) => {
      await mustRun(gateway(kind), prepare)
      const file = await fileOf(kind, wish)
      const before = await looksAt(kind)
      const checked = await it.report([file, '--check'])
      const { code, report } = await it.report([file])
      expect({ code, gateway: outcomes(report)[0] }, said(report, gatewayOf(kind))).toEqual({
        code: 1,
        gateway: `${gatewayOf(kind)} rejected`,
      })
      for (const of of [checked.report, report]) {
        for (const word of [...words, new RegExp(`:${wish.port}\\b`), /hint: (?!undefined)/]) {
          expect(said(of, gatewayOf(kind))).toMatch(word)
        }
      }
      expect(await lost(kind, before)).toEqual([])
      expect((await differing(kind, before)).filter((line) => line.includes('reverse-tunnel'))).toEqual([])
      // Whoever holds it still lets people in.
      expect((await it.provision([file, '--check'])).stderr).not.toContain('unreachable')
    },
  )

  test('the same port on another address is nobody in the way', async () => {
    const kind = 'daemon'
    const before = await looksAt(kind)
    const { code, report } = await it.report([await fileOf(kind, { port: 9022, address: '127.0.0.9' })])
    expect({ code, states: states(report) }, said(report, gatewayOf(kind))).toEqual({ code: 0, states: ['ok'] })
    expect(await lost(kind, before)).toEqual([])
  })
})

describe('an ssh -R by hand that is the only way in', () => {
  const kind = 'session'
  const unit = 'mytunnel.service'
  const alive = async () => [
    await mustRun(device(kind), `systemctl show -p InvocationID -p MainPID -p ActiveState ${unit}`),
    await mustRun(gateway(kind), `pgrep -u user001 -f 'sshd.*user001' | sort | head -n 1`),
  ]

  /** Of the first two tests. */
  const imported = () => join(it.folder, 'imported.json')
  const withoutComments = (text: string) => text.replaceAll(/^\s*\/\/.*$/gm, '')
  // Once a second: sshd makes whoever leaves without a login wait, once that is more often.
  const calls = `while sleep 1; do
    if (exec 3<>/dev/tcp/127.0.0.1/9022 && read -r -t 0.9 line <&3 && [[ $line == SSH-* ]]) 2>/dev/null
    then echo answered; else echo silence; fi >>/root/called
  done`

  test('it survives, and the run says whose it is', async () => {
    const key = await mustRun(
      device(kind),
      `mkdir -p /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub`,
    )
    await mustRun(gateway(kind), `echo '${key.trim()}' >>/home/user001/.ssh/authorized_keys`)
    const command = `/usr/bin/ssh -N -o StrictHostKeyChecking=accept-new -o ExitOnForwardFailure=yes -R 127.0.0.1:9022:localhost:22 user001@${gatewayOf(kind)}`
    const text = `[Service]\nExecStart=${command}\nRestart=always\nRestartSec=3\n[Install]\nWantedBy=multi-user.target\n`
    await place(device(kind), { path: `/etc/systemd/system/${unit}`, text })
    await mustRun(device(kind), `systemctl daemon-reload; systemctl enable -q --now ${unit}`)
    const listens = async () => (await gateway(kind).sh(`ss -Hltn | grep -q 127.0.0.1:9022`)).code === 0 || undefined
    expect(await until(listens, { timeoutMs: 15_000 })).toBe(true)

    const before = await alive()
    const looks = await looksAt(kind)
    const { code, report } = await it.report([await fileOf(kind), '--timeout', '5'], { from: 'guest' })
    expect(await alive()).toEqual(before)
    expect(await lost(kind, looks)).toEqual([])
    expect(code, said(report, gatewayOf(kind))).toBe(1)
    for (const word of [...named('sshd', 'user001'), /127\.0\.0\.1:9022/, /--adopt/]) {
      expect(said(report, gatewayOf(kind))).toMatch(word)
    }
    const { report: seen } = await it.report(['verify', await fileOf(kind), '--timeout', '5'], { from: 'guest' })
    expect(seen.hosts.find(({ name }) => name === deviceOf(kind))?.via).toBe('forward')
  })

  test('import makes the inventory of it, of its unit and of its command alike', async () => {
    const text = await mustRun(device(kind), `cat /etc/systemd/system/${unit}`)
    await writeFile(join(it.folder, unit), text)
    const words = ['import', '--device', deviceOf(kind)]
    const { code, stdout, stderr } = await it.provision([...words, join(it.folder, unit)])
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(`--adopt 127.0.0.1:9022`)
    expect(stderr).toContain('its tunnel logs in as user001: ')
    const command = /ExecStart=\S+ (.*)/.exec(text)?.[1] ?? ''
    await writeFile(join(it.folder, 'command'), `autossh -M 0 ${command}\n`)
    const other = await it.provision([...words, join(it.folder, 'command')])
    expect(withoutComments(other.stdout)).toEqual(withoutComments(stdout))
    // Who administers it is written by hand, as import says.
    await writeFile(imported(), stdout.replace('{', '{ "login": { "user": "user001" },'))
  })

  test('--adopt takes it over on purpose, through itself, and hardly anybody notices', async () => {
    const file = imported()
    const refused = await it.report([file, '--timeout', '5'], { from: 'guest' })
    const command = commandIn({ text: said(refused.report, gatewayOf(kind)) }, file)
    expect(command, said(refused.report, gatewayOf(kind))).toContain('--adopt')
    await mustRun(gateway(kind), `systemd-run --quiet --unit=caller bash -c '${calls.replaceAll('$', '$$$$')}'`)
    const { code, stderr, report } = await it.report([...(command ?? []), '--timeout', '5'], { from: 'guest' })
    expect({ code, states: states(report) }, stderr).toEqual({ code: 0, states: ['ok'] })
    await mustRun(device(kind), `systemctl disable --quiet --now ${unit}`)
    const again = await it.report([file, '--timeout', '5'], { from: 'guest' })
    expect({ code: again.code, hosts: outcomes(again.report), via: again.report.hosts.at(-1)?.via }).toEqual({
      code: 0,
      hosts: [`${gatewayOf(kind)} ok`, `${deviceOf(kind)} ok`],
      via: 'forward',
    })
    const called = await mustRun(gateway(kind), 'systemctl stop caller; cat /root/called')
    const gaps = called.split('answered').map((gap) => gap.split('silence').length - 1)
    expect(Math.max(...gaps), called).toBeLessThanOrEqual(5)
    expect(gaps.length).toBeGreaterThan(5)
  })
})

describe('what somebody wrote for sshd and has not brought into force', () => {
  test.each(asleep)('%s: it stays asleep, is shown, and nobody is locked out', async (kind) => {
    const machine = kind.endsWith('gateway') ? gateway(kind) : device(kind)
    const [word, line] = kind.startsWith('users') ? ['AllowUsers', 'AllowUsers bob'] : ['Port', 'Port 2022']
    await mustRun(machine, `cp -a /etc/ssh/sshd_config /root/kept; echo '${line}' >>/etc/ssh/sshd_config; sshd -t`)
    const before = await looksAt(kind)
    const file = await fileOf(kind)
    const { code, report } = await it.report([file])
    const host = report.hosts.find(({ name }) => name === machine.name)
    expect({ code, outcome: host?.outcome }, said(report, machine.name)).toEqual({ code: 1, outcome: 'rejected' })
    expect(said(report, machine.name)).toContain(word)
    expect(said(report, machine.name)).toMatch(/reload/)
    expect(await lost(kind, before)).toEqual([])
    const verify = await it.report(['verify', file])
    expect(outcomes(verify.report).filter((end) => /unreachable|unknown/.test(end))).toEqual([])
    // Taken back by whoever wrote it, who then reloads as the hint says, and all goes on.
    expect(said(report, machine.name)).toMatch(/systemctl \w+ ssh/)
    await mustRun(machine, 'cp -a /root/kept /etc/ssh/sshd_config; rm /root/kept; systemctl reload ssh')
    const after = await it.report([file])
    expect({ code: after.code, states: states(after.report) }, after.stderr).toEqual({ code: 0, states: ['ok'] })
  })
})

describe('accounts and units whose names look like ours', () => {
  test('a person called reverse-tunnel keeps the account, until it is adopted', async () => {
    const kind = 'account'
    await mustRun(
      device(kind),
      `useradd -m -s /bin/bash -c 'made by hand' reverse-tunnel; echo 'reverse-tunnel:secret' | chpasswd; echo x >/home/reverse-tunnel/thesis`,
    )
    const before = await looksAt(kind)
    const file = await fileOf(kind)
    const { code, report } = await it.report([file])
    expect({ code, device: outcomes(report)[1] }, said(report, deviceOf(kind))).toEqual({
      code: 1,
      device: `${deviceOf(kind)} rejected`,
    })
    expect(said(report, deviceOf(kind))).toMatch(/reverse-tunnel/)
    expect(await lost(kind, before)).toEqual([])
    expect(said(report, deviceOf(kind))).toContain('--adopt reverse-tunnel')
    const adopted = await it.report([file, '--adopt', 'reverse-tunnel'])
    expect({ code: adopted.code, states: states(adopted.report) }, adopted.stderr).toEqual({ code: 0, states: ['ok'] })
    expect(await mustRun(device(kind), 'cat /home/reverse-tunnel/thesis')).toBe('x\n')
  })

  test('tunnel-bob, a group tunnel and reverse-tunnel-web.service live on beside ours', async () => {
    const kind = 'neighbours'
    const unit = `printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' \\
      >/etc/systemd/system/reverse-tunnel-web.service; systemctl enable -q --now reverse-tunnel-web.service`
    await mustRun(
      gateway(kind),
      `groupadd tunnel; useradd -m -s /bin/bash tunnel-bob -g tunnel; echo x >/home/tunnel-bob/thesis
      systemd-run -q --unit=bobs-work --uid=tunnel-bob sleep infinity; ${unit}`,
    )
    await mustRun(device(kind), unit)
    const before = await looksAt(kind)
    const file = await fileOf(kind)
    const { code, report, stderr } = await it.report([file])
    expect({ code, states: states(report) }, stderr).toEqual({ code: 0, states: ['ok'] })
    expect(await lost(kind, before)).toEqual([])
    const again = await it.report([file])
    expect({ code: again.code, changes: again.report.hosts.flatMap(({ changes }) => changes) }).toEqual({
      code: 0,
      changes: [],
    })
    const { code: undone } = await it.report(['undo', file])
    expect(undone).toBe(0)
    expect(await lost(kind, before)).toEqual([])
  })
})
