import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, enrolled, env, insert, seedMaker } from './enrolment/card.ts'
import { outcomes, type Rehearsal, rehearse, states } from './kit.ts'

const [gateway, a] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [a]: { forwards: ['127.0.0.1:9022:localhost:22'], via: ['forward'] },
  },
}

let it: Rehearsal
let makeSeed: ReturnType<typeof seedMaker>
beforeAll(async () => {
  it = await rehearse(inventory)
  makeSeed = seedMaker(it)
  await it.provision(['trust', it.file, '--yes'], { env })
}, 300_000)
afterAll(() => it?.down())

const machine = (name: string) => it.lab.machine(name)
const inside = async (name: string, script: string) => {
  const { code, stdout, stderr } = await machine(name).sh(script)
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
  return stdout.trim()
}
const run = (...words: string[]) => it.report([...words, '--timeout', '4'], { env, timeoutMs: 240_000 })
const pins = () => readFile(join(it.folder, 'known_hosts'), 'utf8')

test('a fresh card comes back at its port, is known again, and the run after that has nothing to do', async () => {
  const { seed, stdout, stderr } = await makeSeed(a)
  expect(seed, stdout + stderr).toBeDefined()
  if (!seed) return
  await machine(a).reflash()
  await insert(machine(a), seed)
  await begin(machine(a))
  await enrolled(machine(a))
  const { code, report, stderr: told } = await run(it.file)
  console.log(
    told,
    await inside(
      gateway,
      'journalctl --no-pager -t provision-enrol; ls -la /etc/ssh/reverse-tunnel /etc/ssh/sshd_config.d /etc/systemd/system; getent passwd | tail -n 3',
    ),
  )
  expect({ code, hosts: outcomes(report), states: states(report) }, told).toEqual({
    code: 0,
    hosts: [`${gateway} changed`, `${a} changed`],
    states: ['ok'],
  })
  console.log(JSON.stringify(report.hosts, undefined, 1), await pins())
  const second = await run(it.file)
  expect(outcomes(second.report)).toEqual([`${gateway} ok`, `${a} ok`])
}, 300_000)
