import { setMaxListeners } from 'node:events'
import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import { type Command, execCodeOf, execOn } from '../../remote/exec.ts'
import type { ExecReport } from '../../report/exec.ts'
import { printJson } from '../../report/inert.ts'
import { printEnds } from '../../report/terminal/exec.ts'
import { endQuietly } from '../line/ending.ts'
import { forksOf } from './by-hand.ts'
import { connected } from './context.ts'
import { onInterrupt } from './interrupt.ts'
import type { ConnectArguments } from './options.ts'

export interface OnHostsArguments extends Pick<ConnectArguments, 'timeout' | 'transport'> {
  readonly forks: number
  readonly askSudoPassword?: boolean
  readonly json?: boolean
  readonly group?: boolean
}

/** One command on these hosts, from its words to its exit code. A single one has our input, and its output as it is. */
export async function runOnHosts(
  inventory: Inventory,
  hosts: readonly (Gateway | Device)[],
  { line, sudo, argv }: Pick<Command, 'line' | 'sudo'> & { readonly argv: OnHostsArguments },
): Promise<void> {
  const forks = forksOf(argv)
  const single = hosts.length === 1
  const style = argv.json ? 'kept' : argv.group ? 'grouped' : single ? 'raw' : 'lines'
  endQuietly(process.stdout)
  // Each host may wait until they take more.
  setMaxListeners(0, process.stdout, process.stderr)
  const command = {
    line,
    sudo,
    style,
    stdin: single ? process.stdin : undefined,
    out: process.stdout,
    err: process.stderr,
  } as const
  const interrupt = onInterrupt(() => void process.stderr.write('interrupted: the commands are ended\n'))
  const { signal } = interrupt
  try {
    await connected(inventory, argv, async (context) => {
      const ends = await execOn(hosts, command, { context, forks, signal })
      const exitCode = signal.aborted ? 130 : execCodeOf(ends)
      const report: ExecReport = { version: 1, command: 'exec', inventory: inventory.file, line, exitCode, hosts: ends }
      if (argv.json) process.stdout.write(printJson(report))
      if (!signal.aborted) process.stderr.write(printEnds(ends))
      process.exitCode = exitCode
    })
  } finally {
    interrupt.done()
  }
}
