import { ForwardingProhibited, type ProvisionError, RemoteError } from '../../errors.ts'
import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import { localPort, throughSession } from '../../remote/local-port.ts'
import type { Page } from '../../remote/page.ts'
import { hostTrouble } from '../../report/terminal/exec.ts'
import { reach } from '../../ssh/reach/reach.ts'
import { startBrowser } from './browser.ts'
import { telling } from './by-hand.ts'
import { connected } from './context.ts'
import { onInterrupt } from './interrupt.ts'
import type { ConnectArguments } from './options.ts'

interface Opening {
  readonly page: Page
  readonly scheme: 'http' | 'https'
  readonly argv: Pick<ConnectArguments, 'timeout' | 'transport'> & { readonly port: number; readonly browser: boolean }
}

/** The page on a port of this machine, until Ctrl-C. Its address is on stdout. */
export async function openPage(
  inventory: Inventory,
  host: Gateway | Device,
  { page, scheme, argv }: Opening,
): Promise<void> {
  const interrupt = onInterrupt(() => undefined)
  const { signal } = interrupt
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  try {
    await connected(inventory, argv, (context) =>
      telling(host.name, async () => {
        const login = throughSession(() => reach(host, context, { signal }))
        const connect = () => login(page.host, page.port)
        await tryPage(connect, { host, page })
        const failed = (error: ProvisionError) => void process.stderr.write(hostTrouble(host.name, error))
        const local = await localPort(connect, { port: argv.port, failed })
        const address = `${scheme}://127.0.0.1:${local.port}/`
        process.stdout.write(`${address}\n`)
        process.stderr.write(`it shows ${page.host} port ${page.port} of ${host.name}; Ctrl-C ends\n`)
        if (argv.browser) startBrowser(address, process)
        await ended
        local.close()
      }),
    )
    if (signal.aborted) process.exitCode = 130
  } finally {
    interrupt.done()
  }
}

/** @throws RemoteError with what to do, where nothing answers there: before a browser shows an empty page */
async function tryPage(
  connect: () => Promise<{ destroy(): unknown }>,
  { host, page }: { readonly host: Gateway | Device; readonly page: Page },
): Promise<void> {
  try {
    ;(await connect()).destroy()
  } catch (error) {
    if (!(error instanceof RemoteError) || error.kind !== 'refused') throw error
    throw new RemoteError('refused', error.message, refusalHint(error, { host, page }))
  }
}

function refusalHint(
  error: RemoteError,
  { host, page }: { readonly host: Gateway | Device; readonly page: Page },
): string {
  if (error instanceof ForwardingProhibited)
    return 'its sshd forwards nothing: see AllowTcpForwarding in its sshd_config'
  if (page.host !== 'localhost')
    return `can ${host.name} reach it? provision ssh ${host.name} -- ping -c 1 ${page.host}`
  return `look what listens there: provision ssh ${host.name} -- ss -ltn; another port: ${host.name}:8080`
}
