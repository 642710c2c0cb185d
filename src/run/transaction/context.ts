import type { Trouble } from '../../report/report.ts'
import type { Session } from '../../ssh/session/session.ts'
import type { End } from './outcome.ts'

/** How a transaction logs in, waits and tells the time. */
export interface TransactionContext {
  /** A new connection and login, by one of the routes that may confirm (`confirmingRoutes`). @throws ConnectError */
  readonly login: () => Promise<Session>
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  /** The time on the wall, for people. */
  readonly clock: () => Date
  readonly debug: (title: string, text: string) => void
  /** The change is live, and waits for its confirmation: what its resources show now. */
  readonly onLive?: (shown: End['shown']) => void
  /** Begins to try the change as soon as it is live, beside the confirming login. Absent: nothing is tried. */
  readonly trial?: () => TrialUnderWay | undefined
}

/** A change is tried while it waits to be kept. `fresh`: the login that would confirm it. */
export interface TrialUnderWay {
  /** Why the change must not be kept. */
  verdict(fresh: Session): Promise<Trouble | undefined>
  /** Takes away what the trial has left on the host. Never throws. */
  cleanUp(fresh: Session): Promise<void>
}
