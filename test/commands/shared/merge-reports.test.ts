import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HostReport, Report } from '../../../src/report/report.ts'
import { build, provision } from '../../dist.ts'

const folder = mkdtempSync(join(tmpdir(), 'provision-merge-'))
const inventory = join(folder, 'fleet.json')
const forwards = ['127.0.0.1:9022:localhost:22']
beforeAll(() => {
  build()
  writeFileSync(
    inventory,
    JSON.stringify({
      gateways: { gw: {} },
      devices: { a: { forwards }, b: { forwards: ['127.0.0.1:9023:localhost:22'] } },
    }),
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

function save(
  index: number,
  hosts: readonly Pick<HostReport, 'name' | 'outcome'>[],
  more: Partial<Report> = {},
): string {
  const file = join(folder, `${index}.json`)
  const report: Report = {
    ...{ version: 1, command: 'verify', inventory, seconds: index, exitCode: 0, forwards: [], recoveries: [] },
    hosts: hosts.map((host) => ({ role: 'device', seconds: 1, resources: [], changes: [], ...host })),
    shard: { index, count: 3, limit: [] },
    wire: { connections: 1, execs: 1 },
    ...more,
  }
  writeFileSync(file, JSON.stringify(report))
  return file
}

test('reports of all shards are one, also as JUnit and JSON', () => {
  const files = [
    save(1, [{ name: 'gw', outcome: 'ok' }]),
    save(2, [{ name: 'a', outcome: 'differs' }]),
    save(3, [{ name: 'b', outcome: 'ok' }]),
  ]
  const text = provision(['report', 'merge', ...files])
  expect(text).toMatchObject({ code: 4, stderr: '' })
  expect(text.stdout).toMatch(/^gw +ok .*\na +differs .*\nb +ok .*\nverified: /)
  const junit = join(folder, 'junit.xml')
  const { hosts, shard } = JSON.parse(provision(['report', 'merge', ...files, '--json', '--junit', junit]).stdout)
  expect([hosts.length, shard]).toEqual([3, undefined])
  expect(readFileSync(junit, 'utf8')).toContain('name="b"')
})

test('hosts of a shard that has left no report are not known, and that is no success', () => {
  const files = [save(1, [{ name: 'gw', outcome: 'ok' }]), save(3, [{ name: 'b', outcome: 'ok' }])]
  const { code, stdout } = provision(['report', 'merge', ...files])
  expect(code).toBe(3)
  expect(stdout).toContain('\nlost: shard 2/3 has left no report\n')
  expect(JSON.parse(provision(['report', 'merge', ...files, '--json']).stdout).lostShards).toEqual(['2/3'])
  expect(stdout).toMatch(/^a +unknown/m)
})

test('reports of different runs are not joined', () => {
  const files = [save(1, []), save(2, [], { command: 'apply' })]
  const { code, stdout, stderr } = provision(['report', 'merge', ...files])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('these are not reports of one run: verify ')
})

test.each([
  [['report'], 'provision report merge FILE…'],
  [['report', 'merge'], 'FILE… is missing: The report files'],
])('%j', (words, said) => {
  const { code, stderr } = provision(words)
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)])
})
