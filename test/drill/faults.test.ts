import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Drilled, faultNames, faultsOf } from '../../src/drill/faults.ts'
import { type FaultReport, faultsExitCode } from '../../src/report/report.ts'
import { parse } from '../inventory/parse.ts'

const { devices, gateways } = parse(
  JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: ['127.0.0.1:9022:localhost:22'] } } }),
)
const [device, gateway] = [devices[0], gateways[0]]
const forward = device?.forwards[0]
if (!device || !gateway || !forward) throw new Error('nobody')
const drilled: Drilled = {
  ...{ device, gateway, forward, unit: 'reverse-tunnel-gw.service', listenerUnits: [], others: ['a', 'b'] },
  ...{ networkSeconds: 60, portSeconds: 10 },
}

test('each fault says what it is going to do, to whom, for how long, and which others it concerns', () => {
  expect(faultsOf(drilled, faultNames).map(({ name, announced, promise }) => [name, announced, promise])).toEqual([
    ['kill', 'killing the ssh client of reverse-tunnel-gw.service on pi', 'powerCut'],
    ['freeze', 'freezing the ssh client of reverse-tunnel-gw.service on pi with SIGSTOP', 'frozenClient'],
    ['network', 'cutting pi off from every network for 60 s', 'silentLink'],
    ['sshd', 'restarting sshd on gw, which a, b also dial', 'powerCut'],
    ['port', 'ending the tunnel, and another program takes port 9022 on gw for 10 s', 'powerCut'],
  ])
  const alone = faultsOf({ ...drilled, others: [] }, ['sshd'])
  expect(alone.map(({ announced }) => announced)).toEqual(['restarting sshd on gw'])
})

test('what the host does is shell that dash and shellcheck have nothing against', () => {
  const path = join(import.meta.dirname, '../../src/drill/drill.sh')
  expect(spawnSync('dash', ['-n', path]).stderr.toString()).toBe('')
  expect(spawnSync('shellcheck', ['-s', 'sh', path]).stdout.toString()).toBe('')
})

test('the exit code is 0 only when every promise was kept', () => {
  const of = (...verdicts: FaultReport['verdict'][]) =>
    verdicts.map((verdict) => ({ name: 'kill', title: 'x', host: 'pi', verdict }) as const)
  expect(faultsExitCode(0, of('kept', 'kept'), false)).toBe(0)
  for (const verdict of ['late', 'never', 'untried'] as const)
    expect(faultsExitCode(0, of('kept', verdict), false)).toBe(1)
  expect(faultsExitCode(3, of('untried'), false)).toBe(3)
  expect(faultsExitCode(4, of('untried'), false)).toBe(4)
  expect(faultsExitCode(0, of('kept', 'untried'), true)).toBe(130)
})
