import { once } from 'node:events'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { held, hold, holdingPlaybook, prepare, release } from './hold.ts'
import { picture, type Rehearsal, rehearse } from './kit.ts'

// Every code of the contract, each from a situation that is really there.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
const spare = (port: number) => ({ ...picture.devices[device], forwards: [`127.0.0.1:${port}:localhost:22`] })
const inventory = { ...picture, devices: { [device]: spare(9022), held: {}, lost: {}, stopped: {} } }
const lockout = join(import.meta.dirname, 'playbooks/lockout.ts')
const dropIn = '/etc/ssh/sshd_config.d/00-provision.conf'

let it: Rehearsal
let lost: Promise<number>
beforeAll(async () => {
  it = await rehearse(inventory, { beside: { 'broken.json': '{ "gateways": { "gw": { "dail": {} } } }' } })
  // What takes its time goes on beside the others: a host that falls silent in the middle of a change.
  await prepare(it.lab.machine('lost'))
  await hold(it.lab.machine('lost'), 'commit')
  const patience = ['--confirm-within', '5', '--timeout', '3']
  lost = code(it.file, '--limit', 'lost', '--playbook', holdingPlaybook, ...patience)
  await held(it.lab.machine('lost'), 'commit')
  await it.lab.machine('lost').cut()
})
afterAll(() => it?.down())

const code = async (...words: string[]) => (await it.provision(words)).code
const on = async (name: string, script: string) => {
  const { code: failed, stderr } = await it.lab.machine(name).sh(script)
  if (failed !== 0) throw new Error(`${name}: ${script}: ${stderr}`)
}
const plan = () => join(it.folder, 'plan.json')
const own = ['--limit', gateway, '--limit', device]

/** Ctrl-C in the middle of a change. */
async function interrupted(): Promise<number> {
  const machine = it.lab.machine('stopped')
  await prepare(machine)
  await hold(machine, 'commit')
  const run = it.spawn([it.file, '--limit', 'stopped', '--playbook', holdingPlaybook])
  const ended = once(run, 'exit').then(([status]) => status as number)
  await held(machine, 'commit')
  run.kill('SIGINT')
  await release(machine)
  return ended
}

test.each<readonly [number, string, () => Promise<number>]>([
  [4, 'a --check that finds something to do', () => code(it.file, '--check', '--out', plan(), ...own)],
  [0, 'the plan of that --check is applied', () => code('apply', plan())],
  [4, 'the same plan once more: it does not hold any more', () => code('apply', plan())],
  [0, 'a run that has nothing to do', () => code(it.file, ...own)],
  [0, 'a --check that finds nothing to do', () => code(it.file, '--check', ...own)],
  [0, 'a verify of what is as written', () => code('verify', it.file, ...own)],
  [0, 'a status of what is up', () => code('status', it.file, ...own)],
  [0, 'a doctor who finds nothing', () => code('doctor', it.file, '--device', device)],
  [0, 'the ssh_config for people', () => code('ssh-config', it.file)],

  [
    4,
    'a verify of a host that somebody has changed, while its forward answers',
    async () => {
      await on(device, `echo '# mine' >>${dropIn}`)
      return code('verify', it.file, ...own)
    },
  ],
  [
    1,
    'a forward that does not reach its device, beside a host that differs',
    async () => {
      await on(device, `systemctl stop reverse-tunnel-${gateway}.service`)
      return code('verify', it.file, ...own)
    },
  ],
  [1, 'a status of what is down', () => code('status', it.file, ...own)],
  [1, 'a doctor who finds what is broken', () => code('doctor', it.file, '--device', device)],
  [1, 'a drill on what is broken already', () => code('drill', it.file, '--device', device, '--yes')],
  [
    1,
    'a host that refuses the change: a link stands where a file should',
    async () => {
      await on(device, `mv ${dropIn} ${dropIn}.real; ln -s ${dropIn}.real ${dropIn}`)
      return code(it.file, ...own)
    },
  ],
  [
    0,
    'a run that mends it all',
    async () => {
      await on(device, `rm ${dropIn}; mv ${dropIn}.real ${dropIn}`)
      return code(it.file, ...own)
    },
  ],
  [
    1,
    'a host that undoes the change, for it would have shut us out',
    async () => {
      await it.rewrite({ login: picture.login, devices: { 'allow-users': { address: 'held' } } })
      // One machine by two names, which its pin has to say, or it would be taken for renamed.
      const pins = (await readFile(it.lab.knownHosts, 'utf8')).split('\n').filter((line) => line.startsWith('held '))
      await appendFile(it.lab.knownHosts, pins.map((line) => `${line.replace('held', 'allow-users')}\n`).join(''))
      await on('held', 'test ! -e /etc/ssh/sshd_config.d/00-lockout.conf')
      const words = ['--playbook', lockout, '--trust-first', '--confirm-within', '5']
      return code(it.file, ...words).finally(() => it.rewrite(inventory))
    },
  ],
  [1, 'an undo where nothing can be taken back', () => code('undo', it.file, '--limit', 'held', '--run', 'none')],

  [2, 'an option that there is not', () => code(it.file, '--chekc')],
  [2, 'an inventory with a mistake', () => code(join(it.folder, 'broken.json'))],
  [2, 'a file that is not there', () => code('verify', join(it.folder, 'nowhere.json'))],
  [2, 'a limit that no host has', () => code(it.file, '--limit', 'nobody')],
  [2, 'a device that there is not', () => code('remove', it.file, '--device', 'nobody')],
  [2, 'a drill that nobody has agreed to', () => code('drill', it.file, '--device', device)],
  [2, 'a playbook that is none', () => code(it.file, '--playbook', join(it.folder, 'broken.json'))],
  [2, 'a plan that cannot be written', () => code(it.file, '--check', '--out', join(it.file, 'plan.json'))],
  [
    2,
    'a plan that was cut off',
    async () => {
      const text = await readFile(plan(), 'utf8')
      await writeFile(join(it.folder, 'cut-off.json'), text.slice(0, text.indexOf('"hosts"')))
      return code('apply', join(it.folder, 'cut-off.json'))
    },
  ],
  [
    2,
    'a plan of what the inventory does not say any more',
    async () => {
      await it.rewrite({ ...inventory, devices: { ...inventory.devices, [device]: spare(9023) } })
      return code('apply', plan()).finally(() => it.rewrite(inventory))
    },
  ],

  [130, 'Ctrl-C', interrupted],
  [3, 'a host whose end is not known: it fell silent in the middle of its change', () => lost],
  [
    3,
    'a host that is off, and with it its forward',
    async () => {
      await it.lab.machine(device).kill()
      return code('verify', it.file, '--timeout', '3', ...own)
    },
  ],
  [
    3,
    'a gateway that is off',
    async () => {
      await it.lab.machine(gateway).kill()
      return code('trust', it.file, '--yes', '--timeout', '3')
    },
  ],
  [3, 'a status of a gateway that is off', () => code('status', it.file, '--timeout', '3', ...own)],
  [3, 'a doctor at a gateway that is off', () => code('doctor', it.file, '--device', device, '--timeout', '3')],
])('%i: %s', { timeout: 90_000 }, async (expected, _, happens) => {
  expect(await happens()).toBe(expected)
})
