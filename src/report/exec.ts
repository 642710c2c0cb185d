import type { Trouble } from './report.ts'

/** One command on hosts: the document that `exec --json` prints. */
export interface ExecReport {
  readonly version: 1
  readonly command: 'exec'
  readonly inventory: string
  /** The shell line that was run. */
  readonly line: string
  readonly exitCode: number
  readonly hosts: readonly ExecHost[]
}

export interface ExecHost {
  readonly name: string
  /** The route; absent: it was not reached. */
  readonly via?: string
  /** Of the command; absent: its end was not seen. */
  readonly code?: number
  readonly stdout?: string
  readonly stderr?: string
  readonly error?: Trouble
}
