import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import { reach } from '../../ssh/reach/reach.ts'
import { telling } from './by-hand.ts'
import { connected } from './context.ts'
import { onInterrupt } from './interrupt.ts'
import type { ConnectArguments } from './options.ts'

interface LogIn {
  /** What runs in the terminal; absent: a shell. */
  readonly line: string | undefined
  readonly argv: Pick<ConnectArguments, 'timeout' | 'transport'>
}

/** A terminal on a host; its exit code is ours. */
export async function logInTo(inventory: Inventory, host: Gateway | Device, { line, argv }: LogIn): Promise<void> {
  const { stdin, stdout } = process
  // Before the login; in it, Ctrl-C is a key like any other.
  const interrupt = onInterrupt(() => process.exit(130))
  try {
    await connected(inventory, argv, (context) =>
      telling(host.name, async () => {
        const session = await reach(host, context)
        process.exitCode = await session.terminal(line, { stdin, stdout })
      }),
    )
  } finally {
    interrupt.done()
  }
}
