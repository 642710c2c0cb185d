import { createHash } from 'node:crypto'
import { constants, gunzipSync } from 'node:zlib'
import { questionsOf, type Refused, type Resource } from '../../resources/resource.ts'
import { asFunction, plainShell, whole } from '../../shell/program.ts'
import { lines, sh } from '../../shell/sh.ts'
import { lackOf, tryPrograms } from './programs.ts'

/** What an inspect printed, and the digest by which the host can tell whether that has changed since. */
export interface Observation {
  readonly text: string
  readonly digest: string
}

/**
 * One exec that prints the state of all resources and changes nothing. `mark` is a word that nobody can guess: it
 * stands before each state, for what a resource shows is printed as it is. Encoding it would take a process for each.
 * All states go packed, in a quarter of the bytes.
 */
export function observeScript(resources: readonly Resource[], mark: string): string {
  return whole(
    lines(
      plainShell,
      sh`echo ${mark} programs`,
      tryPrograms,
      ...resources.map((resource, index) => asFunction(`inspect_${index}`, resource.inspect)),
      sh`echo ${mark} packed`,
      sh`{`,
      questionsOf(resources),
      sh`for n in ${resources.map((_, index) => index)}; do`,
      sh`  echo ${mark} "$n"`,
      sh`  ("inspect_$n") </dev/null 2>/dev/null`,
      sh`done`,
      sh`echo ${mark}`,
      sh`} | gzip -c`,
    ),
  )
}

/** Why nothing counts that this look printed: no shell has run it, or programs do not know what was asked of them. */
export function unfit(stdout: Buffer, mark: string): Refused | undefined {
  const [, programs] = stdout.toString('latin1').split(mark)
  if (programs !== undefined) return lackOf(programs)
  return {
    refused: 'the host ran nothing of what it was asked',
    hint: 'are gzip and base64 there, and may sudo start programs (no `noexec`)?',
  }
}

/** What a look printed: resource id → what it showed. A resource that has not come to its end is missing in the map. */
export function parseObservations(
  stdout: Buffer,
  resources: readonly Resource[],
  mark: string,
): Map<string, Observation> {
  const shown = new Map<string, Observation>()
  const parts = statesIn(stdout, mark).toString('latin1').split(mark)
  for (const part of parts.slice(1, -1)) {
    const end = part.indexOf('\n')
    const resource = resources[Number(part.slice(0, end))]
    if (resource) shown.set(resource.id, observationOf(Buffer.from(part.slice(end + 1), 'latin1')))
  }
  return shown
}

/** The states; of a look that was cut short, as far as they came. */
function statesIn(stdout: Buffer, mark: string): Buffer {
  const begin = `${mark} packed\n`
  const at = stdout.indexOf(begin)
  return at < 0 ? Buffer.alloc(0) : unpack(stdout.subarray(at + begin.length))
}

/** What gzip has packed, as far as it came. */
export function unpack(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

export function observationOf(bytes: Buffer): Observation {
  return { text: bytes.toString('utf8'), digest: createHash('sha256').update(bytes).digest('hex') }
}
