import type { Forward } from '../model.ts'
import type { Surroundings } from './paths.ts'
import type { Path, Problems } from './problems.ts'

/** Where a forward was written, and its bind address as it was. */
export interface Origin {
  readonly path: Path
  readonly bindAddress: string
}

export interface Building {
  readonly around: Surroundings
  readonly problems: Problems
  readonly origins: Map<Forward, Origin>
}
