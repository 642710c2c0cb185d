import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Suite } from '../../src/lab/index.ts'
import { picture, type Rehearsal, rehearse, states, verified } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const tunnel = `reverse-tunnel-${gateway}.service`
const dialler = 'reverse-tunnel'
const { clients: _, ...pair } = picture
const limit = 1.1

describe.each(['trixie', 'bookworm'] satisfies Suite[])('the units of a tunnel on %s', (suite) => {
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

  test('the key is for root and the unit alone: no account reads it, the dialler’s own outside of the unit neither', async () => {
    const places = '/etc/reverse-tunnel /run/credentials /run/reverse-tunnel /var/lib/provision'
    const files = lines(await sh(`grep -rlsF 'OPENSSH PRIVATE KEY' ${places} || :`))
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      expect(await sh(`stat -c %A '${file}'`), file).toMatch(/^-..-.*---\n$/)
      for (const user of ['user001', dialler]) {
        const { code, stderr } = await as(user, ['cat', file])
        expect({ file, user, code, stderr }).toEqual({
          ...{ file, user, code: 1 },
          stderr: expect.stringMatching(/Permission denied/),
        })
      }
    }
    // That it is not setpriv which fails.
    expect(await as(dialler, ['cat', '/etc/reverse-tunnel/known_hosts'])).toMatchObject({ code: 0 })
  })
})

const lines = (text: string) => text.split('\n').filter((line) => line !== '')
