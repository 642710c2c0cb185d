import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isThere } from '../../src/files/atomic.ts'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'
import type { Rehearsal } from './kit.ts'
import { settled } from './state-of.ts'
import { ask, letGo, reached, type Stop } from './stops.ts'

/** One blow against one change of one gateway and its device. */
export interface Strike {
  readonly fault: (typeof faults)[number]
  readonly way: (typeof ways)[number]
  /** The host that is stopped, or loses its power or its link. */
  readonly host: 'gateway' | 'device'
  readonly moment: Stop | number
}

/**
 * `kill`: -9 of the admin process. `cut`: of the admin's link to both hosts. `power`: the host's plug is pulled and put
 * back. `blip`: the host's cable is out for a few seconds, and the run goes on as it can.
 */
export const faults = ['kill', 'cut', 'power', 'blip'] as const
export const ways = ['direct', 'forward'] as const

export interface Pair {
  readonly gateway: Machine
  readonly device: Machine
}

export const told = ({ fault, way, host, moment }: Strike): string =>
  `${fault} of ${host}, ${way}, ${typeof moment === 'number' ? `${Math.round(moment)} ms after the start` : moment}`

const table = `table inet strikes {
  set cut { type ipv4_addr; }
  chain out { type filter hook output priority 0; ip daddr @cut drop; }
  chain in { type filter hook input priority 0; ip saddr @cut drop; }
}
`

/** The admin's networks, in which single hosts can be cut off. */
export async function makeCuttable({ lab }: Rehearsal): Promise<void> {
  for (const from of ['lan', 'guest']) await expectDone(lab.run(['nft', '-f', '-'], { from, input: table }))
}

async function admin({ lab }: Rehearsal, word: 'add' | 'delete', { gateway, device }: Pair, way: Strike['way']) {
  const rule = ['nft', word, 'element', 'inet', 'strikes', 'cut', `{ ${gateway.address}, ${device.address} }`]
  await expectDone(lab.run(rule, { from: way === 'forward' ? 'guest' : 'lan' }))
}

async function expectDone(ran: Promise<{ code: number; stderr: string }>): Promise<void> {
  const { code, stderr } = await ran
  if (code !== 0) throw new Error(stderr)
}

/**
 * Changes the pair by these words, strikes in the middle, and comes back when both hosts have settled and are whole again.
 * @returns after how many milliseconds it struck
 */
export async function perform(it: Rehearsal, pair: Pair, strike: Strike, words: readonly string[]): Promise<number> {
  const { fault, way, moment } = strike
  const host = pair[strike.host]
  if (typeof moment === 'string') await ask(host, moment)
  const run = it.spawn(words, { from: way === 'forward' ? 'guest' : 'lan', stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [run.stdout, run.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const ended = once(run, 'exit')
  const began = performance.now()
  const gone = () => run.exitCode !== null
  if (typeof moment === 'number') await Promise.race([wait(moment), ended])
  else if (!(await reached(host, gone))) throw new Error(`${host.name} did not come to ${moment}: ${said}`)
  const afterMs = performance.now() - began
  if (fault === 'kill') await end(run, ended)
  if (fault === 'cut') await admin(it, 'add', pair, way)
  if (fault === 'blip') await host.cut()
  if (fault === 'power') await host.kill()
  if (typeof moment === 'string') await letGo(host, moment)
  if (fault === 'power') await host.boot()
  if (fault === 'blip') {
    await wait(3000)
    await host.mend()
    await Promise.race([ended, wait(60_000, undefined, { ref: false })])
  }
  await Promise.all([pair.gateway, pair.device].map(calm))
  if (fault === 'cut') await admin(it, 'delete', pair, way)
  await end(run, ended)
  return afterMs
}

/** As `settled`, and without a process for every look. */
async function calm(machine: Machine): Promise<void> {
  const current = join(machine.root, 'var/lib/provision/current')
  const gone = async () => !(await isThere(current)) || undefined
  await until(gone, { timeoutMs: 180_000, everyMs: 150 })
  await settled(machine)
}

async function end(run: ChildProcess, ended: Promise<unknown>): Promise<void> {
  run.kill('SIGKILL')
  await ended
}
