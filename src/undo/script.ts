import type { ChangeReport } from '../report/report.ts'
import historyProgram from '../run/transaction/guard/history.sh'
import { handOver, settleSeconds, type Transaction } from '../run/transaction/script.ts'
import { decode, plainShell, program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import takeBackProgram from './take-back.sh'

/** What a host says of the last confirmed run that changed it. */
export interface PastRun {
  readonly run: string
  /** What that run did here, newest first: the ids of its transactions. */
  readonly ids: readonly string[]
  /** Who began it, from where and when. */
  readonly who: string
  /** Newest first. */
  readonly changes: readonly ChangeReport[]
  /** The resources that are no longer as that run left them. */
  readonly moved: readonly string[]
  /** Why it cannot be undone at all. */
  readonly gone?: string
}

/** One exec that prints what would be undone, and changes nothing. */
export function lookBackScript(): string {
  return whole(
    lines(
      plainShell,
      sh`home=/var/lib/provision`,
      sh`shown() { (set +e && "inspect_$1") </dev/null 2>/dev/null; }`,
      program(historyProgram),
      sh`ids=`,
      program(takeBackProgram),
      sh`look`,
    ),
  )
}

/** One exec that hands the host the transaction which undoes these. */
export function undoScript(
  undo: Pick<Transaction, 'id' | 'who' | 'confirmWithinSeconds'> & Pick<PastRun, 'ids'>,
): string {
  const plan = lines(
    sh`confirm_within=${undo.confirmWithinSeconds}`,
    sh`within=${settleSeconds}`,
    sh`changes=0 activations=0 undos=0`,
    sh`ids=${undo.ids.join(' ')}`,
    program(takeBackProgram),
  )
  return handOver(undo, plan, { undoes: `${undo.ids.join('\n')}\n` })
}

/** What the undo does of a change: resource, summary and effect; an earlier version did not keep the effect. */
function backwards(line: string): ChangeReport {
  const [resource = '', done = '', was = ''] = line.split('\t')
  const { effect, words } = reverse[was as keyof typeof reverse] ?? reverse.change
  return { resource, summary: `${words} (undo of: ${done})`, effect }
}

const reverse = {
  add: { effect: 'remove', words: 'remove again' },
  change: { effect: 'change', words: 'back to what it was' },
  remove: { effect: 'add', words: 'put back' },
} as const

/** What a look back printed; undefined where no run is kept. */
export function parsePast(stdout: Buffer): PastRun | undefined {
  const text = stdout.toString('latin1')
  const words = (name: string) =>
    [...text.matchAll(new RegExp(`^@${name} (\\S*)$`, 'gm'))].map(([, word = '']) => decode(word))
  const ids = /^@run (.+)$/m.exec(text)?.[1]?.split(' ') ?? []
  const [newest] = ids
  if (newest === undefined) return undefined
  const [gone] = words('gone')
  return {
    ids,
    run: newest.replace(/-\d+$/, ''),
    who: words('who')[0]?.trim() ?? '',
    changes: words('what').map(backwards),
    moved: words('moved'),
    ...(gone && { gone: gone.trim() }),
  }
}
