import { type Change, effectOf, questionsOf, type Resource } from '../../resources/resource.ts'
import { asFunction, decode, program, whole } from '../../shell/program.ts'
import { lines, type Sh, sh } from '../../shell/sh.ts'
import { type Observation, observationOf, unpack } from '../plan/observation.ts'
import type { PlannedChange } from '../plan/plan.ts'
import besideProgram from './guard/beside.sh'
import filesProgram from './guard/files.sh'
import guardProgram from './guard/guard.sh'
import historyProgram from './guard/history.sh'
import rollbackProgram from './guard/rollback.sh'
import watchProgram from './guard/watch.sh'

/** Transactions → shell scripts, and what those print → values. Pure. */

/** How an apply, a confirmation or a watch ended on the host. */
export interface TransactionAnswer {
  readonly outcome: 'waiting' | 'confirmed' | 'rejected' | 'undone' | 'undo-failed' | 'never' | 'locked'
  /** What the resources showed after they were activated. */
  readonly shown: ReadonlyMap<string, Observation>
  readonly failure?: {
    /** `earlier`: a transaction before this one could not be undone, and still holds the host. */
    readonly phase: string
    readonly resource?: string
    readonly code: number
    readonly message: string
  }
  /** What the undo itself complained of. */
  readonly undoErrors?: string
  /** The resources that do not show what they showed before. */
  readonly left?: readonly string[]
}

export interface Transaction {
  /** Letters, digits and dashes. */
  readonly id: string
  /** For a second run that finds the lock taken. */
  readonly who: string
  /** How long the host waits for a confirmation, in seconds, before it undoes by itself. */
  readonly confirmWithinSeconds: number
  /** Everything the step wants of this host: looked at again after the change. */
  readonly resources: readonly Resource[]
  readonly changes: readonly PlannedChange[]
  /** What each of the resources showed last, changed or not: an undo of the whole run has to bring that back. */
  readonly before?: ReadonlyMap<string, Pick<Observation, 'digest'>>
}

/** Without its comments, which would be a third of what goes over the wire with every change. */
const guard = (watchProgram + historyProgram + filesProgram + rollbackProgram + guardProgram).replaceAll(
  /^ *#(?! shellcheck).*\n/gm,
  '',
)

const pieces = ['stage', 'validate', 'commit', 'activate', 'undo', 'undoable'] as const

/** One exec that hands a whole transaction to the host, and prints how far it came. */
export function applyScript(transaction: Transaction): string {
  const { confirmWithinSeconds, resources, changes, before } = transaction
  const numbers = changes.map((planned) => resources.indexOf(planned.resource))
  const having = (piece: keyof Change) => changes.flatMap(({ change }, at) => (change[piece] ? [numbers[at] ?? 0] : []))
  const digests = new Map(resources.flatMap(({ id }, n) => [[n, before?.get(id)?.digest] as const]))
  for (const [at, { digest }] of changes.entries()) digests.set(numbers[at] ?? 0, digest)
  const plan = lines(
    sh`confirm_within=${confirmWithinSeconds}`,
    sh`within=${Math.max(settleSeconds, ...changes.map(({ change }) => change.interrupts?.seconds ?? 0))}`,
    sh`changes=${numbers.join(' ')}`,
    sh`activations=${once(changes, 'activate', having('activate')).join(' ')}`,
    sh`undos=${once(changes, 'undo', having('undo')).reverse().join(' ')}`,
    sh`endings=${having('endsOnly').join(' ')}`,
    sh`undoables=${once(changes, 'undoable', having('undoable')).join(' ')}`,
    sh`inspects=${resources.map((_, index) => index).join(' ')}`,
    // Changes that save no file: to redo them, their commit has to run again (src/undo/take-back.sh).
    sh`bare=${changes.flatMap(({ change }, at) => (change.saves.length || change.stage ? [] : [numbers[at] ?? 0])).join(' ')}`,
    asFunction('paths', sh`printf '%s\n' ${[...new Set(changes.flatMap(({ change }) => change.saves))]}`),
    asFunction('asks', questionsOf(resources)),
    ...resources.map((resource, index) => asFunction(`inspect_${index}`, resource.inspect)),
    ...[...digests].map(([n, digest]) => (digest === undefined ? undefined : sh`expect_${n}=${digest}`)),
    ...changes.flatMap(({ change }, at) => {
      const n = numbers[at] ?? 0
      return pieces.flatMap((piece) => (change[piece] ? [asFunction(`${piece}_${n}`, change[piece])] : []))
    }),
  )
  return handOver(transaction, plan, {
    what: table(
      changes.map(({ resource, change }, at) => [numbers[at], resource.id, change.summary, effectOf(change)]),
    ),
    resources: table(resources.map(({ id }, n) => [n, id])),
  })
}

/** How long a host looks, after a rollback, for what has to come up again; longer where a change says so. */
export const settleSeconds = 30

/** The script that brings a transaction to the host: its plan, the guard, and other files that lie beside them. */
export function handOver(
  { id, who }: Pick<Transaction, 'id' | 'who'>,
  plan: Sh,
  beside: Readonly<Record<string, string>>,
): string {
  return whole(
    lines(
      sh`set -e`,
      sh`umask 077`,
      sh`incoming=/var/lib/provision/incoming.$$`,
      sh`mkdir -p "$incoming"`,
      sh`trap 'rm -rf "$incoming"' EXIT`,
      // First, and by a process of its own: where files must not grow, it is this one that is ended, and not the shell.
      sh`head -c 65536 /dev/zero >"$incoming/reserve"`,
      sh`echo ${id} >"$incoming/id"`,
      sh`echo ${who} >"$incoming/who"`,
      sh`echo ${`provision-guard-${id}`} >"$incoming/unit"`,
      // No process, and no here-document, which takes two where it is long.
      ...Object.entries({ 'guard.sh': guard, 'plan.sh': `${plan.text}\n`, ...beside }).map(
        ([name, text]) => sh`printf %s ${text} >"$incoming/"${name}`,
      ),
      sh`exec sh "$incoming/guard.sh" apply "$incoming"`,
    ),
  )
}

/** Keeps the change, if the host has not already begun to undo it: says so to the guard that lies beside it there. */
export const confirmScript = (id: string): string => whole(lines(sh`set -- confirm ${id}`, program(besideProgram)))

/** Asks how a transaction stands, after the connection that began it was lost. */
export const watchScript = (id: string): string => talk('watch', id)

/** Undo now: there will be no confirmation. */
export const abandonScript = (id: string, why: string): string => talk('abandon', id, why)

/** What resources showed after a change. One that has not come whole is missing in the map. */
function parseShown(answer: string, resources: readonly Resource[]): Map<string, Observation> {
  const shown = new Map<string, Observation>()
  const [, packed = ''] = /^@packed (\S+)$/m.exec(answer) ?? []
  const states = unpack(Buffer.from(packed, 'base64'))
  const sizes = states.subarray(0, states.indexOf('\n\n') + 1).toString('latin1')
  let at = sizes.length + 1
  for (const [, size, number] of sizes.matchAll(/^ *(\d+) (\d+)$/gm)) {
    const bytes = states.subarray(at, at + Number(size))
    at += Number(size)
    const resource = resources[Number(number)]
    if (resource && bytes.length === Number(size)) shown.set(resource.id, observationOf(bytes))
  }
  return shown
}

/** What an apply, a confirmation or a watch printed; undefined when it did not come to its end. */
export function parseAnswer(stdout: Buffer, resources: readonly Resource[]): TransactionAnswer | undefined {
  const text = stdout.toString('latin1')
  const shown = parseShown(text, resources)
  const locked = /^@locked (\S*)$/m.exec(text)
  if (locked) {
    return { outcome: 'locked', shown, failure: { phase: 'lock', code: 1, message: decode(locked[1] ?? '') } }
  }
  const outcome = /^@outcome (waiting|confirmed|rejected|undone|undo-failed|never)$/m.exec(text)?.[1]
  if (!outcome) return undefined
  const failed = /^@failed (\S+) (\d+) (\d+) (\S*)$/m.exec(text)
  const undo = /^@undo (\S*)$/m.exec(text)
  const left = /^@left (\S*)$/m.exec(text)
  const resource = failed && phases.has(failed[1] ?? '') ? resources[Number(failed[2])] : undefined
  return {
    outcome: outcome as TransactionAnswer['outcome'],
    shown,
    ...(failed && {
      failure: {
        phase: failed[1] ?? '',
        ...(resource && { resource: resource.id }),
        code: Number(failed[3]),
        message: decode(failed[4] ?? ''),
      },
    }),
    ...(undo && { undoErrors: decode(undo[1] ?? '') }),
    ...(left && {
      left: decode(left[1] ?? '')
        .split('\n')
        .filter(Boolean),
    }),
  }
}

/** The phases whose number is that of a resource. */
const phases = new Set(['unmoved', 'stage', 'validate', 'commit', 'activate'])

/** Equal pieces run once, at the place of the last one. */
function once(
  changes: readonly PlannedChange[],
  piece: 'activate' | 'undo' | 'undoable',
  numbers: readonly number[],
): number[] {
  const texts = changes.flatMap(({ change }) => (change[piece] ? [change[piece].text] : []))
  return numbers.filter((_, at) => texts.lastIndexOf(texts[at] ?? '') === at)
}

/** Fields parted by tabs, a row on each line. */
const table = (rows: readonly (readonly unknown[])[]) =>
  rows.map((fields) => `${fields.map((field) => String(field).replaceAll(/[\t\n]/g, ' ')).join('\t')}\n`).join('')

function talk(...words: readonly string[]): string {
  return whole(lines(sh`set -- ${words}`, program(guard)))
}
