import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LoginRefused, type ProvisionError } from '../../errors.ts'
import { temporaryFolders } from '../../files/temporary-folders.ts'
import type { Gateway, Inventory } from '../../inventory/model.ts'
import type { ProofReport } from '../../report/report.ts'
import type { Session } from '../../ssh/session/session.ts'
import type { Wire } from '../../ssh/session/wire.ts'
import { askByKey, lookingWith } from '../../status/ask-by-key.ts'
import { endpointsOn } from '../../status/endpoint.ts'
import { openGateways } from '../../status/gateway-sessions.ts'
import { tryPrivileges } from '../../verify/least-privilege.ts'
import { watcherPrivilege } from '../../watch/service/least-privilege.ts'
import { connected } from './context.ts'
import type { LoginArguments } from './options.ts'

export interface KeyTrial {
  /** Gateways that do not know the key yet. */
  readonly refused: readonly string[]
  readonly silent: readonly { readonly gateway: string; readonly error: ProvisionError }[]
  /** Of what it must not be able to do; nothing where that was not asked for. */
  readonly proofs: readonly ProofReport[]
}

interface Wish extends Pick<LoginArguments, 'timeout'> {
  readonly id: string
  readonly key: string
  readonly leastPrivilege: boolean
}

/** Looks at each gateway once with a watcher's key, and tries what that must not be able to do. */
export async function tryWatcherKey(all: Inventory, wish: Wish): Promise<KeyTrial> {
  const inventory = lookingWith(wish.key, { ...all, id: wish.id })
  return connected(inventory, { timeout: wish.timeout, transport: undefined }, async (context) => {
    const asked = openGateways(context, askByKey)
    const answers = await Promise.all(
      inventory.gateways.flatMap((gateway) => {
        const endpoints = endpointsOn(gateway, inventory.devices)
        if (endpoints.length === 0) return []
        return [asked.ask(gateway, endpoints, { seconds: 0 }).then((answer) => ({ gateway, ...answer }))]
      }),
    )
    const refused = answers.filter(({ error }) => error instanceof LoginRefused)
    const silent = answers.flatMap(({ gateway: { name }, error }) =>
      error && !(error instanceof LoginRefused) ? [{ gateway: name, error }] : [],
    )
    const admitted = answers.flatMap(({ gateway, session }) => (session ? [{ gateway, session }] : []))
    const proofs = wish.leastPrivilege ? await proved(admitted, wish, context.wire) : []
    return { refused: refused.map(({ gateway }) => gateway.name), silent, proofs }
  })
}

interface Admitted {
  readonly gateway: Gateway
  readonly session: Session
}

async function proved(admitted: readonly Admitted[], { id, key }: Wish, wire: Wire): Promise<ProofReport[]> {
  const folders = temporaryFolders()
  const folder = await folders.make()
  try {
    const knownHosts = join(folder, 'known_hosts')
    await writeFile(knownHosts, admitted.map(({ gateway, session }) => `${gateway.name} ${session.hostKey}\n`).join(''))
    const privileges = await Promise.all(
      admitted.map(async ({ gateway }) => {
        const config = await wire.userConfig(gateway.name)
        return watcherPrivilege({
          ...{ gateway, id, identityFile: key, knownHosts },
          address: gateway.address ?? config.hostname,
          port: gateway.port ?? config.port,
        })
      }),
    )
    return await tryPrivileges({
      ...{ host: 'this watcher', privileges, session: here, token: `watch-${process.pid}` },
      elsewhere: async () => undefined,
    })
  } finally {
    await folders.remove(folder)
  }
}

/** This machine, asked as another one is. */
const here: Pick<Session, 'exec'> = {
  exec: (script, { timeoutMs }) =>
    new Promise((resolve, reject) => {
      const child = spawn('sh', ['-s'], { stdio: 'pipe', timeout: timeoutMs })
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
      child.stdout.on('data', (part: Buffer) => stdout.push(part))
      child.stderr.on('data', (part: Buffer) => stderr.push(part))
      child.once('error', reject)
      child.once('close', (code) =>
        resolve({ code: code ?? 1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }),
      )
      child.stdin.end(script)
    }),
}
