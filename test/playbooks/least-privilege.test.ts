import { expect, test } from 'vitest'
import { privilege } from '../../playbooks/reverse-tunnel/least-privilege.ts'
import { all } from '../e2e/attacks/matrix.ts'
import { parse } from '../inventory/parse.ts'

const { gateways, devices } = parse(
  JSON.stringify({
    gateways: { gw: {} },
    devices: {
      near: { forwards: [{ port: 9022, host: 'localhost', hostPort: 22 }] },
      far: { forwards: [{ port: 9023, host: 'localhost', hostPort: 22 }] },
      old: { forwards: [{ port: 9024, host: 'localhost', hostPort: 22, listener: 'sshd' }] },
      open: { forwards: [{ bindAddress: '*', port: 9025, host: 'localhost', hostPort: 22, expose: true }] },
    },
  }),
)
const [gw] = gateways
const of = (name: string, beside = devices) => {
  const device = devices.find((one) => one.name === name)
  if (!gw || !device) throw new Error('nobody')
  return privilege(device, gw, beside)
}

test.each(['near', 'old'])(
  '%s: the directives are those of which the attacks proved that each alone refuses',
  (name) => {
    const mode = name === 'old' ? 'sshd' : 'socket'
    const attempts = of(name).attempts
    const proved = new Map(all.map((attack) => [attack.name, attack.refusedBy[mode]]))
    const compared = attempts.filter((attempt) => (proved.get(attempt.name) ?? []).length > 0)
    expect(compared.length).toBeGreaterThan(14)
    for (const attempt of compared) expect(attempt).toMatchObject({ refusedBy: proved.get(attempt.name) })
  },
)

test('it never asks for a port or a socket that carries a tunnel, but for the port of another', () => {
  const asked = (name: string) => of(name).attempts.flatMap(({ kind, where }) => (kind === 'listen' ? [where] : []))
  expect(asked('near')).toEqual(['127.0.0.1:0', '127.0.0.1:9023', '/tmp', expect.stringMatching(/tunnel-far-\w+\/s$/)])
  expect(asked('old')).toEqual(['127.0.0.1:0', '127.0.0.1:9022', '/tmp', expect.stringMatching(/tunnel-near-\w+\/s$/)])
})

test('a device alone has nobody else to rob, and one that is exposed on purpose is not told off for it', () => {
  const names = (name: string, beside = devices) => of(name, beside).attempts.map((attempt) => attempt.name)
  expect(names('near', []).filter((name) => name.includes('neighbour'))).toEqual([])
  expect(names('near')).toContain('R-published')
  expect(names('open')).not.toContain('R-published')
})
