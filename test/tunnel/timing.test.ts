import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import reverseTunnel from '../../playbooks/reverse-tunnel.ts'
import { recoverable, recoveryOf } from '../../src/tunnel/timing.ts'
import { parse } from '../inventory/parse.ts'
import { shown } from '../resources/golden.ts'

const inventory = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: { pi: { forwards: ['9022:localhost:22'], recoverWithin: 25 } },
  }),
)
const [device, gateway] = [inventory.devices[0], inventory.gateways[0]]
const forward = device?.forwards[0]
if (!device || !gateway || !forward) throw new Error('nobody')
const resource = recoverable(device, gateway)

describe('how slow the link is, as the device shows it', () => {
  let bin: string
  beforeAll(() => {
    bin = mkdtempSync(join(tmpdir(), 'provision-ss-'))
  })
  afterAll(() => rmSync(bin, { recursive: true }))

  /** What it prints where ss says this; the unit's ssh has the pid 71. */
  function link(ss: string | undefined): string {
    const path = ['/usr/bin', '/bin'].join(':')
    const program = (name: string, body: string) =>
      writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    program('cat', `case $1 in */cgroup.procs) echo 71 ;; *) exec /bin/cat "$@" ;; esac`)
    program('ss', ss === undefined ? 'exit 127' : `/bin/cat <<'END'\n${ss}\nEND`)
    const { stdout, stderr } = spawnSync('dash', ['-e'], {
      input: resource.inspect.text,
      env: { PATH: `${bin}:${path}` },
    })
    expect(stderr.toString()).toBe('')
    return stdout.toString()
  }
  test('is shell that shellcheck has nothing against', () => {
    const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-'], { input: resource.inspect.text })
    expect(stdout.toString()).toBe('')
  })

  const connection = (pid: number, figures: string) =>
    `0      0      192.168.1.7:51334 203.0.113.9:22    users:(("ssh",pid=${pid},fd=3))\n\t cubic wscale:7,7 rto:804 ${figures} mss:1448`

  test('a class that the quickest round trip of the last minutes lies in', () => {
    for (const [figure, roundTrip] of [
      ['0.018', 60],
      ['59.9', 60],
      ['100.562', 140],
      ['300.8', 310],
      ['600.667', 690],
      ['9000', 1500],
    ])
      expect(link(connection(71, `rtt:700.1/20.5 ato:40 minrtt:${figure}`))).toBe(`round trip ${roundTrip}\n`)
  })

  test('a round trip that changes a little, or whose usual value does, shows the same bytes', () => {
    const all = ['510.2', '600.667', '688'].map((figure) => link(connection(71, `rtt:${figure}/9 minrtt:${figure}`)))
    expect(new Set(all).size).toBe(1)
  })

  test('of its own connection: not of a person who is logged in to the same gateway', () => {
    const own = connection(71, 'rtt:30/1 minrtt:29.5')
    expect(link(`${connection(710, 'rtt:9/1 minrtt:700.2')}\n${own}`)).toBe('round trip 60\n')
    expect(link(connection(7, 'rtt:9/1 minrtt:700.2'))).toBe('')
  })

  test('on one line, as newer ss print it, too', () => {
    const line = `${connection(71, 'rtt:305/17 minrtt:300.8')} bbr:(bw:1Mbps,mrtt:0.018)`.replace('\n\t', ' ')
    expect(link(line)).toBe('round trip 310\n')
  })

  test('nothing where there is no ss, no tunnel, or no such figure', () => {
    expect(['', undefined, connection(71, 'rtt:30/1')].map(link)).toEqual(['', '', ''])
  })
})

describe('the promise', () => {
  const promised = (text?: string) =>
    recoveryOf(inventory)(forward, shown(text === undefined ? {} : { [`pi ${resource.id}`]: text }))

  test('is longer on a slow link, and says what was wished where that is more', () => {
    expect(promised('round trip 690\n')).toEqual({
      ...{ powerCut: 19, silentLink: 35, frozenClient: 24 },
      ...{ roundTripMs: 690, linkSeconds: 10, wished: 25 },
    })
    expect(promised('round trip 60\n')).toMatchObject({ powerCut: 9, linkSeconds: 0 })
    expect([promised(''), promised()].map((promise) => promise?.linkSeconds)).toEqual([undefined, undefined])
  })

  test('changes with the link; what the device is set to does not, and nothing differs', () => {
    const steps = reverseTunnel(inventory).flatMap((step) => (step.kind === 'apply' ? [step] : []))
    const units = steps.flatMap(({ hosts }) => hosts.get('pi') ?? []).find(({ id }) => id.startsWith('systemd-units'))
    const verdicts = ['', 'round trip 60\n', 'round trip 1500\n'].map((text) => {
      const seen = shown({ [`pi ${resource.id}`]: text, 'pi versions': 'openssh 10.0\nsystemd 257\n' })
      return JSON.stringify([resource.diff(text, seen), units?.diff('', seen)])
    })
    expect(verdicts[0]).toContain('ServerAliveInterval')
    expect(new Set(verdicts).size).toBe(1)
  })

  test('no transaction keeps what the link showed: its step has nothing that could change', () => {
    const steps = reverseTunnel(inventory).flatMap((step) => (step.kind === 'apply' ? [step] : []))
    const own = steps.filter(({ hosts }) => hosts.get('pi')?.some(({ id }) => id === resource.id))
    expect(own.map(({ hosts }) => hosts.get('pi')?.map(({ id }) => id))).toEqual([[resource.id]])
  })
})
