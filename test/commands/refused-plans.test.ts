import { expect, test } from 'vitest'
import { withRefusedPlans } from '../../src/commands/shared/refused-plans.ts'
import type { DoctorReport, LinkReport } from '../../src/report/doctor/doctor.ts'
import type { HostReport, Report } from '../../src/report/report.ts'

const ok: LinkReport = { link: 'forward', state: 'ok', says: 'it answers' }
const byRun: LinkReport = { link: 'unit', state: 'broken', says: 'it is stopped', mend: 'provision x', mendedBy: 'run' }
const byHand: LinkReport = { ...byRun, mend: 'kill 7', mendedBy: 'hand' }

async function judged(link: LinkReport, host: Partial<HostReport> = {}) {
  let asked = 0
  const diagnosis = {
    device: 'pi',
    exitCode: 0,
    tunnels: [{ gateway: 'gw', links: [link] }],
  } as unknown as DoctorReport
  const { tunnels, exitCode } = await withRefusedPlans(diagnosis, async () => {
    asked++
    return {
      hosts: [
        { name: 'gw', outcome: 'ok' },
        { name: 'pi', outcome: 'differs', ...host },
      ],
    } as unknown as Report
  })
  return { last: tunnels[0]?.links.at(-1), exitCode, asked }
}
const refuses = { outcome: 'rejected', error: { message: 'a file is in the way', hint: 'remove it' } } as const

test('a plan that no host refuses changes no diagnosis', async () => {
  expect(await judged(ok)).toEqual({ last: ok, exitCode: 0, asked: 1 })
  expect((await judged(byRun)).last).toEqual(byRun)
})

test('a run that would be refused is no mend: what it refuses comes first', async () => {
  expect((await judged(byRun, refuses)).last).toEqual({
    ...{ link: 'unit', state: 'broken', mendedBy: 'hand' },
    says: 'it is stopped; pi refuses its part of the plan: a file is in the way',
    mend: 'remove it; then provision x',
  })
})

test('a tunnel that works is not all well where a host refuses the plan', async () => {
  expect(await judged(ok, refuses)).toMatchObject({
    last: {
      link: 'plan',
      state: 'broken',
      says: 'pi refuses its part of the plan: a file is in the way',
      mend: 'remove it',
    },
    exitCode: 1,
  })
})

test('what is mended by hand is not asked about', async () => {
  expect(await judged(byHand, refuses)).toEqual({ last: byHand, exitCode: 0, asked: 0 })
})
