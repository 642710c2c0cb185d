import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { person, picture, type Rehearsal, rehearse, states, verified } from './kit.ts'

const [gateway, good, wrong] = ['ssh-gw.guest.internal', 'host-a.lan.internal', 'host-b.lan.internal']
const own = '/etc/ssh/sshd_config.d/50-own.conf'
const stock = 'PerSourcePenalties authfail:5 noauth:1 grace-exceeded:10 max:600 min:15'

let it: Rehearsal
let usual: number
beforeAll(async () => {
  it = await rehearse({
    login: picture.login,
    gateways: picture.gateways,
    devices: {
      [good]: { forwards: ['127.0.0.1:9022:localhost:22'] },
      [wrong]: { forwards: ['127.0.0.1:9023:localhost:22'] },
    },
  })
  const { code, report } = await it.report([it.file])
  expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok', 'ok'] })
  usual = await secondsUntilBack()
})
afterAll(() => it?.down())

const on = async (name: string, script: string) => (await it.lab.machine(name).sh(script, { timeoutMs: 60_000 })).stdout
const limit = () => usual + 4

/** The ssh of the good device's tunnel is killed; until sshd of the device speaks through the forward again. */
async function secondsUntilBack(): Promise<number> {
  const began = performance.now()
  await on(good, "pkill -KILL -f '^(/usr/bin/)?ssh .*-R '")
  const greets = async () => {
    const { stdout } = await person(
      it.lab.machine(gateway),
      'exec 3<>/dev/tcp/127.0.0.1/9022 && timeout 2 head -n 1 <&3',
    )
    return stdout.startsWith('SSH-2.0-') || undefined
  }
  expect(await until(greets, { timeoutMs: 90_000, everyMs: 200 })).toBe(true)
  return (performance.now() - began) / 1000
}

/** A device of the same site, and so of the same address, with a key that the gateway refuses. */
async function redial(): Promise<void> {
  const ssh = `ssh -F none -i /root/wrong -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null user001@${gateway}`
  await on(wrong, "[ -e /root/wrong ] || ssh-keygen -q -t ed25519 -N '' -f /root/wrong")
  await on(gateway, 'journalctl --rotate --quiet && journalctl --vacuum-time=1s --quiet')
  const loop = `while :; do ${ssh} true; sleep 2; done`
  expect(await it.lab.machine(wrong).exec(['systemd-run', '--quiet', '--unit=redial', 'sh', '-c', loop])).toMatchObject(
    { code: 0 },
  )
}
const heard = async (pattern: string) =>
  Number(await on(gateway, `journalctl -q -o cat | grep -c ${JSON.stringify(pattern)}`))
const refusedKeys = () => heard('Connection closed by authenticating user user001')
const dropped = () => heard('drop connection .* penalty')
const end = () => on(wrong, 'systemctl stop redial')

test('a site with one wrong key is not shut out: its good tunnel is back as fast as ever', async () => {
  await redial()
  try {
    // 15 tries every 2 s are the 30 s.
    expect(await until(async () => (await refusedKeys()) >= 15 || undefined, { timeoutMs: 60_000, everyMs: 500 })).toBe(
      true,
    )
    expect(await secondsUntilBack()).toBeLessThan(limit())
    expect(await dropped()).toBe(0)
  } finally {
    await end()
  }
})

test('penalties that the administrator wrote are left alone, and the run says so', async () => {
  await on(gateway, `echo '${stock}' >${own} && systemctl reload ssh`)
  const { code, report } = await it.report([it.file])
  expect({ code, changes: report.hosts[0]?.changes }).toMatchObject({
    code: 0,
    changes: [
      {
        resource: 'sshd-settings 00-provision',
        summary: expect.stringContaining(`PerSourcePenalties stays as ${own} has it`),
      },
    ],
  })
  expect(await on(gateway, 'sshd -T | grep -i ^persourcepenalties')).toContain('authfail:5 ')
  expect((await it.report([it.file])).report.hosts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
})

test('with the penalties that sshd has by itself the site is shut out', async () => {
  await redial()
  try {
    expect(await until(async () => (await dropped()) > 0 || undefined, { timeoutMs: 60_000, everyMs: 200 })).toBe(true)
    expect(await secondsUntilBack()).toBeGreaterThan(limit())
  } finally {
    await end()
  }
})

test('once the administrator’s file is gone, ours is back', async () => {
  await on(gateway, `rm ${own} && systemctl reload ssh`)
  expect((await it.report([it.file])).code).toBe(0)
  expect(await on(gateway, 'sshd -T | grep -i ^persourcepenalties')).toContain('authfail:1 ')
})

/** Somebody on the gateway reads the device's greeting again and again, as a careless check does. */
const knock = 'for n in $(seq 40); do exec 3<>/dev/tcp/127.0.0.1/9022; read -r greeting <&3; exec 3>&-; done'

test('careless checks through the tunnel shut nobody out of the device', async () => {
  await person(it.lab.machine(gateway), knock)
  const { report } = await it.report(['verify', it.file])
  expect(states(report)).toEqual(['ok', 'ok'])
})

test('they do where the administrator’s own list of exceptions leaves loopback out, and the run says whose it is', async () => {
  await on(good, `echo 'PerSourcePenaltyExemptList 192.0.2.1' >${own} && systemctl reload ssh`)
  const { report } = await it.report([it.file])
  expect(report.hosts[1]?.changes).toMatchObject([
    { summary: expect.stringContaining(`PerSourcePenaltyExemptList stays as ${own} has it`) },
  ])
  await person(it.lab.machine(gateway), knock)
  const { report: found } = await it.report(['verify', it.file])
  expect(states(found)).not.toEqual(['ok', 'ok'])
  await on(good, `rm ${own} && systemctl reload ssh`)
  expect((await it.report([it.file])).report.hosts.map(({ name, outcome }) => `${name} ${outcome}`)).toContain(
    `${good} changed`,
  )
  await verified(it)
})
