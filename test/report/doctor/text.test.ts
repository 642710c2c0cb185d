import { afterEach, describe, expect, test, vi } from 'vitest'
import { type DoctorReport, doctorExitCode, type LinkReport } from '../../../src/report/doctor/doctor.ts'
import { printDiagnosis } from '../../../src/report/doctor/text.ts'

afterEach(() => vi.unstubAllEnvs())

const report = (...tunnels: readonly (readonly LinkReport[])[]): DoctorReport => ({
  version: 1,
  command: 'doctor',
  inventory: 'inv.json',
  seconds: 1.23,
  exitCode: 0,
  device: 'dev',
  tunnels: tunnels.map((links, index) => ({ gateway: `gw${index + 1}`, links })),
  wire: { connections: 1, execs: 1 },
})
const good: LinkReport = { link: 'gateway', state: 'ok', says: 'gw1 accepts the login from this machine' }
const away: LinkReport = { link: 'device', state: 'unseen', says: 'dev cannot be asked' }
const bad: LinkReport = {
  link: 'listener',
  state: 'broken',
  says: 'held by nc\n\u001b[2Jtwice',
  mend: 'on gw1: kill 7',
}
const text = (...tunnels: readonly (readonly LinkReport[])[]) => printDiagnosis(report(...tunnels), { color: false })

test('a line for each link, and what mends the broken one', () => {
  expect(text([good, away, bad])).toMatchInlineSnapshot(`
    "tunnel of dev to gw1:
    ✓ ok        gateway           gw1 accepts the login from this machine
    ? not seen  device            dev cannot be asked
    ✗ broken    listener          held by nc / [2Jtwice
      mend: on gw1: kill 7
    broken: listener, 1.2 s
    "
  `)
})

test('nothing is wrong, or nothing that could be seen', () => {
  expect(text([good])).toMatch(/\nnothing is wrong, 1\.2 s\n$/)
  expect(text([good, away])).toMatch(/\nnothing broken was found, not seen: device, 1\.2 s\n$/)
})

test('of several tunnels each has its verdict', () => {
  expect(text([good], [good, bad])).toMatch(/\nnothing is wrong \(gw1\); broken: listener \(gw2\), 1\.2 s\n$/)
})

test('colour only repeats what the word says', () => {
  const colored = printDiagnosis(report([good, away, bad]), { color: true })
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(text([good, away, bad]))
  expect(colored).not.toBe(text([good, away, bad]))
})

describe('the exit code', () => {
  const code = (...links: LinkReport[]) => doctorExitCode([{ gateway: 'gw', links }])
  test('is that of the worst tunnel', () => {
    expect([code(good), code(good, away), code(bad), code({ ...good, state: 'broken' })]).toEqual([0, 0, 1, 3])
    const tunnels = [{ links: [bad] }, { links: [{ ...good, state: 'broken' as const }] }]
    expect(doctorExitCode(tunnels.map((each) => ({ gateway: 'gw', ...each })))).toBe(3)
  })
})

test('times are those of whoever reads it', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  const unit = { link: 'unit', state: 'ok', says: 'it is active for 2 s (since 2026-11-24T23:32:45Z)' } as const
  expect(text([unit])).toContain('(since 2026-11-25 08:32:45)')
})
