import { until } from '../../../src/lab/local.ts'
import { settled } from '../state-of.ts'
import { perform, type Strike, told } from '../strike.ts'
import { type Bench, env } from './bench.ts'
import { device, gateway } from './cast.ts'
import { columns } from './columns.ts'
import { commandIn, type Run, run } from './command.ts'
import { edits } from './edits.ts'
import { type Field, generator, listeners } from './sample.ts'
import { aftermath, begin, patienceMs, type Row, type Scene } from './trial.ts'

/** An edit that is interrupted in the middle. */
export interface Blow extends Field {
  readonly strike: Strike
}

/** What a run of these edits takes, about: blows come before that. */
const usualMs = 3500

const faults = ['kill', 'cut', 'power'] as const
/** Edits of whatever nobody stands in the way of, wherever they are made from. */
const struck = edits.filter(({ change, blocked, onlyFromLan, stays }) => change && !blocked && !onlyFromLan && !stays)

export function blows(seed: number, many: number): readonly Blow[] {
  const random = generator(seed)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  return Array.from({ length: many }, (_, at) => {
    const column = pick(columns)
    return {
      edit: pick(struck),
      column,
      listener: listeners[at % listeners.length] ?? 'socket',
      strike: {
        fault: faults[at % faults.length] ?? 'kill',
        way: column.from === 'lan' ? 'direct' : 'forward',
        host: random() < 0.5 ? 'gateway' : 'device',
        moment: usualMs * (0.1 + 0.9 * random()),
      },
    }
  })
}

/** Struck, settled, run once more: all is as if nobody had interfered. */
export async function survive(bench: Bench, { edit, column, strike }: Blow): Promise<Row> {
  const scene = await begin(bench, edit, column)
  const began = performance.now()
  const pair = { gateway: bench.machine(gateway), device: bench.machine(device) }
  const spawn = (words: readonly string[], options?: object) => bench.it.spawn(words, { ...options, env })
  await perform({ ...bench.it, spawn }, pair, strike, [scene.file, '--timeout', '4', '--confirm-within', '8'])
  await Promise.all(bench.on.map((machine) => settled(machine)))
  let next = await nextRun(scene, strike)
  const command = next.code === 0 ? undefined : commandIn(next, scene.file)
  if (command) {
    await run(bench, command, column.from)
    next = await run(bench, [scene.file], column.from)
  }
  const problems = next.code === 0 ? [] : [`the next run: exit code ${next.code}`, next.text]
  const more = await aftermath(scene, edit, strike.fault === 'power')
  return {
    edit: `${edit.name}: ${told(strike)}`,
    column: column.name,
    listener: bench.listener,
    what: command ? `refused: ${command.join(' ')}, then new way`.replaceAll(scene.file, 'inventory.json') : 'new way',
    seconds: (performance.now() - began) / 1000,
    problems: [...problems, ...more],
  }
}

/** A gateway that has lost its power has no tunnel for as long as tunnels are promised to take. */
async function nextRun({ bench, file, column }: Scene, { fault }: Strike): Promise<Run> {
  let ran: Run | undefined
  const reached = async () => {
    ran = await run(bench, [file], column.from)
    const isMissing = ran.report?.hosts.some(({ outcome }) => outcome === 'unreachable')
    return fault === 'power' && isMissing ? undefined : ran
  }
  return (await until(reached, { timeoutMs: patienceMs })) ?? (ran as Run)
}
