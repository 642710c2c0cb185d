import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { devicesCalled, held, hold, prepare, release } from './hold.ts'
import { type Rehearsal, rehearse } from './kit.ts'
import { history, settled, stateOf } from './state-of.ts'

const names = ['ctrl-c', 'terminated', 'twice'] as const
const steps = new URL('playbooks/steps.ts', import.meta.url).pathname

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(devicesCalled(names))
  await Promise.all(names.map((name) => prepare(it.lab.machine(name))))
})
afterAll(() => it?.down())

/** A run that is held in mid-change, and what it has said by the time that it ends. */
async function begin(name: string) {
  const machine = it.lab.machine(name)
  await hold(machine, 'activate')
  const options = ['--limit', name, '--playbook', steps, '--confirm-within', '5']
  const run = it.lab.spawn([process.execPath, bin, it.file, ...options], {
    env: { CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [run.stdout, run.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const ended = once(run, 'close').then(([code]) => code as number)
  await held(machine, 'activate')
  return { machine, run, ended, said: () => said }
}

const bin = new URL('../../bin/provision.js', import.meta.url).pathname

test.each([
  ['ctrl-c', 'SIGINT'],
  ['terminated', 'SIGTERM'],
] as const)('%s in mid-change: what is under way comes to its end, nothing new is begun', async (name, signal) => {
  const { machine, run, ended, said } = await begin(name)
  run.kill(signal)
  await expect.poll(said).toContain('interrupted: no new work is started')
  await release(machine)
  expect(await ended).toBe(130)
  expect(said()).toMatch(new RegExp(`${name} +differs[^]*provisioned: 1 differs`))
  await settled(machine)
  expect(await history(machine)).toEqual(['confirmed'])
  expect((await machine.sh('cat /etc/e2e-middle; test ! -e /etc/e2e-second-step')).stdout).toBe('new\n')
})

test('a second Ctrl-C leaves at once, and the host undoes what nobody confirms', async () => {
  const { machine, run, ended, said } = await begin('twice')
  await hold(machine, 'activate')
  run.kill('SIGINT')
  await expect.poll(said).toContain('interrupted')
  run.kill('SIGINT')
  expect(await ended).toBe(130)
  await release(machine)
  await settled(machine)
  expect(await history(machine)).toEqual(['undone: nobody confirmed within 5 s'])
  expect((await stateOf(machine)).filter((line) => /e2e-middle|newcomer|left behind/.test(line))).toEqual([])
})

test('the next run goes on where they stopped', async () => {
  const { code, report } = await it.report([it.file, '--playbook', steps])
  expect({ code, outcomes: report.hosts.map(({ outcome }) => outcome) }).toEqual({
    code: 0,
    outcomes: ['changed', 'changed', 'changed'],
  })
})
