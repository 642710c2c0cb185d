import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Suite } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import { picture, type Rehearsal, rehearse, states, verified } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const tunnel = `reverse-tunnel-${gateway}.service`
const dialler = 'reverse-tunnel'
const { clients: _, ...pair } = picture
const limit = 1.1

describe.each(['trixie', 'bookworm', 'bullseye'] satisfies Suite[])('the units of a tunnel on %s', (suite) => {
  let it: Rehearsal
  let units: string[]
  beforeAll(async () => {
    it = await rehearse(pair, { suite })
    const { code, report } = await it.report([it.file])
    expect({ code, states: states(report) }).toEqual({ code: 0, states: ['ok'] })
    units = lines(await sh(`ls /etc/systemd/system | grep '^reverse-tunnel-.*[.]service$'`))
    expect(units).toContain(tunnel)
  })
  afterAll(() => it?.down())

  const sh = async (script: string) => {
    const { code, stdout, stderr } = await it.lab.machine(device).sh(script)
    expect({ script, code, stderr }).toEqual({ script, code: 0, stderr: '' })
    return stdout
  }
  /** As an account of the device, outside of the unit. */
  const as = (user: string, argv: readonly string[]) =>
    it.lab.machine(device).exec(['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--', ...argv])
  const exposure = async (unit: string) => {
    const said = await sh(`systemd-analyze security --no-pager '${unit}' 2>&1 | tail -n 1`)
    const [, level] = /Overall exposure level for \S+: ([\d.]+)/.exec(said) ?? []
    return Number(level)
  }

  test(`systemd finds them exposed by no more than ${limit}, with the tunnel open`, async () => {
    const found = await Promise.all(units.map(async (unit) => [unit, await exposure(unit)] as const))
    expect(found.filter(([, level]) => !(level <= limit))).toEqual([])
    await verified(it)
  })

  test('a unit without a sandbox would not pass', async () => {
    await sh(`sed '/^[[]Service[]]/,/^$/{/^[A-Z][A-Za-z]*=/{/^\\(Type\\|ExecStart\\|User\\)=/!d}}' \\
      '/etc/systemd/system/${tunnel}' >/run/systemd/system/bare.service && systemctl daemon-reload`)
    expect(await exposure('bare.service')).toBeGreaterThan(limit)
  })

  test('no process in them is root, may become anybody else, or holds a capability', async () => {
    const pids = lines(await sh(`ps -eo pid=,unit:99= | awk '$2 == "${tunnel}" { print $1 }'`))
    expect(pids.length).toBeGreaterThan(0)
    const uid = (await sh(`id -u ${dialler}`)).trim()
    for (const pid of pids) {
      const status = Object.fromEntries(
        lines(await sh(`cat /proc/${pid}/status`)).map((line) => line.split(/:\s*/, 2) as [string, string]),
      )
      expect(status).toMatchObject({ Uid: [uid, uid, uid, uid].join('\t'), NoNewPrivs: '1', Seccomp: '2' })
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status[set]).toMatch(/^0+$/)
    }
    expect(uid).not.toBe('0')
  })

  test('a client that froze before anybody asked it is found, and the next one has a control socket again', async () => {
    const check = tunnel.replace('.service', '-check.service')
    const client = async () => Number(await sh(`systemctl show -P MainPID '${tunnel}'`))
    const before = await client()
    await sh(`systemctl stop '${check}'; kill -STOP ${before}; systemctl start '${check}'`)
    const next = async () => ![0, before].includes(await client()) || undefined
    expect(await until(next, { timeoutMs: 30_000, everyMs: 250 })).toBe(true)
    await verified(it)
    const said = await sh(`journalctl -q -o cat -u '${check}' | grep killed`)
    expect(said).toBe(`${tunnel}: killed ssh ${before}: it does not answer on its control socket\n`)
    expect(
      await sh(`setpriv --reuid=${dialler} ssh -o ControlPath=$(ls -d /run/reverse-tunnel/*) -O check x 2>&1`),
    ).toBe(`Master running (pid=${await client()})\r\n`)
  })

  test.runIf(suite === 'trixie')(
    'a client that is well lives on, however long the device takes to ask it',
    async () => {
      const check = tunnel.replace('.service', '-check.service')
      const client = await sh(`systemctl show -P MainPID '${tunnel}'`)
      await sh(
        `printf '#!/bin/sh\nsleep 3; exec /usr/bin/ssh "$@"\n' >/usr/local/bin/ssh && chmod 755 /usr/local/bin/ssh`,
      )
      // Long enough for two looks that come to an end.
      await sh(`systemctl restart '${check}'; sleep 18; rm /usr/local/bin/ssh`)
      expect(await sh(`systemctl show -P MainPID '${tunnel}'`)).toBe(client)
      expect(await sh(`journalctl -q -o cat --since=-18s -u '${check}'`)).not.toContain('killed')
    },
  )

  describe('the key', () => {
    const stored = '/etc/reverse-tunnel/id_ed25519'
    const reads = async (user: string, file: string) => {
      const { code, stderr } = await as(user, ['cat', file])
      expect(stderr, `${user} ${file}`).toMatch(code === 0 ? /^$/ : /Permission denied/)
      return code === 0
    }

    test('as it is kept, is for root alone: no account reads it, not even the one that dials', async () => {
      expect(await sh(`stat -c '%U %A' ${stored}`)).toMatch(/^root -..-------\n$/)
      for (const user of ['user001', dialler]) expect(await reads(user, stored), user).toBe(false)
      // That it is not setpriv which fails.
      expect(await reads(dialler, '/etc/reverse-tunnel/known_hosts')).toBe(true)
    })

    test('as systemd hands it over, is for the account of the unit, which nobody else becomes', async () => {
      const copies = lines(await sh("grep -rlsF 'OPENSSH PRIVATE KEY' /run /tmp /var/lib/provision /etc/systemd || :"))
      expect(copies).toEqual([expect.stringMatching(/^\/run\/credentials\/reverse-tunnel-/)])
      for (const file of copies) {
        expect(await sh(`stat -c %A '${file}'`)).toMatch(/^-..-.*---\n$/)
        expect(await reads('user001', file)).toBe(false)
      }
      expect(await sh(`getent passwd ${dialler} | cut -d : -f 7; getent shadow ${dialler} | cut -d : -f 2`)).toMatch(
        /^\S+nologin\n[*!]+\n$/,
      )
      const others = units.filter((unit) => unit !== tunnel)
      for (const unit of others)
        expect(await sh(`systemctl show -P InaccessiblePaths '${unit}'`), unit).toBe('-/run/credentials\n')
    })
  })
})

const lines = (text: string) => text.split('\n').filter((line) => line !== '')
