import { until } from '../../../src/lab/local.ts'
import type { Bench } from './bench.ts'
import type { Column } from './columns.ts'
import { commandIn, type Run, run } from './command.ts'
import type { Edit } from './edits.ts'
import { differences, type Look, look } from './look.ts'
import { type Door, doorsOf, whoIsMissing } from './reach.ts'

/** What came of an edit in a column. */
export interface Row {
  readonly edit: string
  readonly column: string
  readonly listener: string
  readonly what: string
  readonly seconds: number
  /** What is not as it has to be; none where all is well. */
  readonly problems: readonly string[]
}

/** As long as any promise that these edits print. */
export const patienceMs = 25_000

/** All that has to hold around an edit, seen before it. */
export interface Scene {
  readonly bench: Bench
  readonly file: string
  readonly column: Column
  readonly before: ReadonlyMap<string, Look>
  readonly doors: readonly Door[]
}

/** Begins where both inventories are as written, and makes the edit, but does not run it. */
export async function begin(bench: Bench, edit: Edit, column: Column): Promise<Scene> {
  const file = edit.in === 'theirs' ? bench.files.theirs : bench.files.ours
  if (edit.before) {
    await bench.edit(file, (inventory) => edit.before?.(inventory, bench) ?? inventory)
    const { code, text } = await run(bench, [file], 'lan')
    if (code !== 0) throw new Error(`before the edit: exit code ${code}: ${text}`)
  }
  if (edit.flashed !== undefined) await bench.flash(edit.flashed)
  if (column.block) await must(run(bench, ['ssh-config', file, '--write'], column.from))
  const doors = await allDoors(bench)
  const before = await looks(bench)
  if (edit.change) await bench.edit(file, (inventory) => edit.change?.(inventory, bench) ?? inventory)
  // Whom nobody has met before: his host key was compared by hand.
  if (edit.more) await run(bench, ['trust', file, '--yes'], 'lan')
  return { bench, file, column, before, doors }
}

/** The edit is made and run, and all is compared that has to be. */
export async function attempt(bench: Bench, edit: Edit, column: Column): Promise<Row> {
  const scene = await begin(bench, edit, column)
  const began = performance.now()
  const first = await run(bench, edit.command?.(scene.file) ?? [scene.file], column.from)
  const { what, problems } = await followed(scene, edit, first)
  // Whoever else is on a gateway that died brings it back for himself.
  if (edit.flashed !== undefined && edit.command) {
    const words = edit.command(bench.files.theirs)
    // From the devices' own site sshd may refuse us for a while, for they have dialled in vain.
    await until(async () => ((await run(bench, words, column.from)).code === 0 ? true : undefined), {
      timeoutMs: 120_000,
      everyMs: 2_000,
    })
    // Its host key is another one again: whoever came back before learns it while his tunnels stand.
    await must(run(bench, [scene.file, '--accept-new-host-key', edit.flashed], column.from))
  }
  const seconds = (performance.now() - began) / 1000
  const more = problems.length > 0 ? [] : await aftermath(scene, edit, edit.flashed !== undefined)
  const row = { edit: edit.name, column: column.name, listener: bench.listener }
  return { ...row, what, seconds, problems: [...problems, ...more] }
}

interface Course {
  readonly what: string
  readonly problems: readonly string[]
}

/** The new way; or the old one, a refusal that touched nothing, and then what it named. */
async function followed(scene: Scene, edit: Edit, first: Run): Promise<Course> {
  const { bench, file, column } = scene
  if (edit.blocked) return aroundTheBlock(scene, edit.blocked, first)
  if (edit.onlyFromLan && column.from !== 'lan') {
    const lost = await whoIsMissing(bench, scene.doors, patienceMs)
    if (lost.length > 0) return { what: 'lost', problems: [...lost, first.text] }
    const here = await run(bench, [file], 'lan')
    return { what: `${first.outcome}, from the LAN: new way`, problems: failed(here) }
  }
  if (first.code === 0) {
    const then = edit.command ? failed(await run(bench, [file], column.from)) : []
    return { what: 'new way', problems: [...unsaid(edit.says ?? [], first), ...then] }
  }
  const refused = await untouched(scene, first)
  if (refused.length > 0) return { what: first.outcome, problems: [`exit code ${first.code}`, ...refused, first.text] }
  const command = commandIn(first, file)
  if (!command) return { what: 'refused', problems: ['it names no command', first.text] }
  const then = await run(bench, command, column.from)
  // Some commands prepare what the next run does.
  const last = then.code === 0 ? await run(bench, [file], column.from) : then
  return {
    what: `refused: ${command.join(' ')}, then new way`.replaceAll(file, 'inventory.json'),
    problems: failed(last),
  }
}

async function aroundTheBlock(scene: Scene, blocked: NonNullable<Edit['blocked']>, first: Run): Promise<Course> {
  const { bench, file, column } = scene
  const problems = [
    ...(first.code === 0 ? ['it took what is held by somebody else'] : []),
    ...(await untouched(scene, first)),
    ...unsaid(blocked.says, first),
  ]
  if (problems.length > 0) return { what: first.outcome, problems: [...problems, first.text] }
  await bench.edit(file, (inventory) => blocked.instead(inventory, bench))
  const then = await run(bench, [file], column.from)
  return { what: 'refused, another port: new way', problems: failed(then) }
}

/** What a refusal may not have done: lose a door, or change anything at all. */
async function untouched({ bench, before, doors }: Scene, { code }: Run): Promise<string[]> {
  const lost = await whoIsMissing(bench, doors, patienceMs)
  const after = await looks(bench)
  const moved = [...before].flatMap(([name, was]) => {
    const is = after.get(name)
    return is ? differences(was, is).map((line) => `${name}: ${line}`) : []
  })
  return [...lost, ...moved.map((line) => `exit code ${code}, but it has touched something: ${line}`)]
}

/** Whatever was said: everybody is there, a second run has nothing to do, and nobody else has lost anything. */
export async function aftermath(scene: Scene, edit: Edit, restarted = false): Promise<string[]> {
  const { bench, file, column } = scene
  const gone = await whoIsMissing(bench, [...(await allDoors(bench)), ...staying(scene, edit)], patienceMs)
  const second = await run(bench, [file], column.from)
  const others = await run(bench, ['verify', file === bench.files.ours ? bench.files.theirs : bench.files.ours], 'lan')
  return [
    ...gone,
    ...converged(second),
    ...(others.code === 0 ? [] : [`the other inventory: exit code ${others.code}`, others.text]),
    ...(await strangersOf(scene, edit, restarted)),
    ...((await edit.also?.(bench)) ?? []),
  ]
}

const staying = ({ doors }: Scene, { stays = [] }: Edit) => doors.filter(({ device: name }) => stays.includes(name))

function converged({ code, report, text }: Run): string[] {
  const busy = report?.hosts.filter(({ changes }) => changes.length > 0).map(({ name }) => name) ?? []
  if (code === 0 && busy.length === 0) return []
  return [`a second run: exit code ${code}, changes on ${busy.join(', ') || 'nobody'}`, text]
}

async function strangersOf({ bench, before, file }: Scene, edit: Edit, restarted: boolean): Promise<string[]> {
  const own = [await identityOf(bench, file), '-']
  const after = await looks(bench)
  return [...before].flatMap(([name, was]) => {
    const is = after.get(name)
    if (!is || name === edit.flashed) return []
    return differences(was, is, own)
      .filter((line) => !restarted || !running.test(line))
      .map((line) => `somebody else's, on ${name}: ${line}`)
  })
}

/** What a power cut ends, whoever owns it. */
const running = /: (unit|process of) /

async function identityOf(bench: Bench, file: string): Promise<string | undefined> {
  let id: string | undefined
  await bench.edit(file, (inventory) => {
    id = inventory.id
    return inventory
  })
  return id
}

async function looks({ on }: Bench): Promise<Map<string, Look>> {
  return new Map(await Promise.all(on.map(async (machine) => [machine.name, await look(machine)] as const)))
}

export async function allDoors({ files }: Bench): Promise<Door[]> {
  return [...(await doorsOf(files.ours)), ...(await doorsOf(files.theirs))]
}

const failed = ({ code, text }: Run) => (code === 0 ? [] : [`exit code ${code}`, text])
const unsaid = (says: readonly RegExp[], { text }: Run) =>
  says.filter((words) => !words.test(text)).flatMap((words) => [`it does not say ${words}`, text])
const must = async (ran: Promise<Run>) => {
  const { code, text } = await ran
  if (code !== 0) throw new Error(text)
}
