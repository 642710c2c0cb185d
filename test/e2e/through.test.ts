import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, place, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
const door = (port: number) => ({ port, host: 'localhost', hostPort: 22 })
const wanting = (ports: readonly number[], more: object = {}) => ({
  ...picture,
  devices: { [device]: { via: ['forward'], forwards: ports.map(door), ...more } },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse({ ...picture, devices: { [device]: { forwards: [door(9022)] } } })
  // What knocks here so often is the test.
  const exempt = 'PerSourcePenaltyExemptList 127.0.0.1,::1\nMaxStartups 100\n'
  await place(it.lab.machine(device), { path: '/etc/ssh/sshd_config.d/knocks.conf', text: exempt })
  await it.lab.machine(device).sh('chmod 644 /etc/ssh/sshd_config.d/knocks.conf && systemctl reload ssh')
  expect((await it.report([it.file])).code).toBe(0)
})
afterAll(() => it?.down())

/** Asks for the device's host key through a port of the gateway, again and again, as long as `work` takes. */
async function knocking<T>(
  port: number,
  work: () => Promise<T>,
): Promise<{ result: T; longestMs: number; knocks: number }> {
  const script = `while :; do
    began=$(date +%s%3N)
    if timeout 2 ssh-keyscan -T 1 -t ed25519 -p ${port} 127.0.0.1 2>/dev/null | grep -q AAAA; then echo "$began $(date +%s%3N)"; fi
  done`
  const namespace = it.lab.machine(gateway)
  const leader = String(await namespace.leader())
  const child = it.lab.spawn(['nsenter', '--target', leader, '--all', '--', 'bash', '-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const answered = () => said.trim().split('\n').filter(Boolean).length
  await expect.poll(answered, { timeout: 20_000 }).toBeGreaterThan(2)
  try {
    const result = await work()
    const before = answered()
    await expect.poll(answered, { timeout: 60_000 }).toBeGreaterThan(before + 2)
    const good = said
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number) as [number, number])
    const gaps = good.slice(1).map(([, end], at) => end - (good[at]?.[0] ?? end))
    return { result, longestMs: Math.max(...gaps), knocks: good.length }
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

test.each([
  ['another forward beside it', () => wanting([9022, 9023])],
  ['other keepalives', () => wanting([9022, 9023], { recoverWithin: 9 })],
  ['one forward less', () => wanting([9022])],
])(
  'a tunnel is changed through itself, %s: the way in is never gone for longer than was promised',
  async (_, inventory) => {
    await it.rewrite(inventory())
    const { result, longestMs, knocks } = await knocking(9022, () => it.report([it.file], { from: 'guest' }))
    const { code, report } = result
    expect({
      code,
      hosts: outcomes(report).at(-1),
      via: report.hosts[1]?.via,
      states: new Set(states(report)),
    }).toEqual({
      code: 0,
      hosts: `${device} changed`,
      via: 'forward',
      states: new Set(['ok']),
    })
    const [away] = report.away ?? []
    console.info(`${_}: ${longestMs} ms of ${away?.seconds} s, ${knocks} knocks`)
    expect(knocks).toBeGreaterThan(5)
    expect(longestMs / 1000).toBeLessThan(away?.seconds ?? 0)
  },
)

test('it moves to another port in two runs, both of them through itself', { timeout: 180_000 }, async () => {
  await it.rewrite(wanting([9022, 9024]))
  expect((await it.report([it.file], { from: 'guest' })).code).toBe(0)
  await it.rewrite(wanting([9024]))
  const { code, report } = await it.report([it.file], { from: 'guest' })
  expect({ code, hosts: outcomes(report), via: report.hosts[1]?.via }).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${device} changed`],
    via: 'forward',
  })
  expect((await it.lab.machine(gateway).sh('ss -Hltn')).stdout).not.toContain('127.0.0.1:9022')
})
