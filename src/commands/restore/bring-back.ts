import { ProvisionError } from '../../errors.ts'
import type { Inventory } from '../../inventory/model.ts'
import { on } from '../../playbook/playbook.ts'
import type { Report } from '../../report/report.ts'
import { hostKeys, spareHostKey } from '../../resources/index.ts'
import { type HostKey, hostKeyText } from '../../ssh/host-keys/pins.ts'
import { type ReachContext, reach } from '../../ssh/reach/reach.ts'
import type { Session } from '../../ssh/session/session.ts'
import { connected } from '../shared/context.ts'
import { type Asked, run } from '../shared/run.ts'
import { deliverSpare, dropDelivered } from './deliver-spare.ts'
import { ordinary, type Restoration } from './restoration.ts'

/** What would be done to the gateway; no device is asked. */
export async function planOf(it: Restoration): Promise<Report> {
  return (await run('check', ordinary(it), asked(it))).report
}

/** Undefined: done. Else what has become of it; a second call goes on. */
export async function bringBack(it: Restoration): Promise<Report | undefined> {
  const { change } = it
  if (change) await onGateway(it, (session) => deliverSpare(session, change.spare.privateKey))
  const { report } = await run('apply', ordinary(it), asked(it))
  if (hasCome(report, it)) return undefined
  if (change) await onGateway(it, dropDelivered).catch(ignored)
  return report
}

/**
 * From now on the gateway is known by its spare. Where its pins stand in the inventory, only the user can write it
 * there.
 */
export async function pinSpare({ argv, inventory, gateway, change, say }: Restoration): Promise<void> {
  if (!change) return
  const { publicKey, hostKey } = change.spare
  await connected(inventory, argv, async ({ wire: { pins, userConfig } }) => {
    const { from, keys } = await pins.for(gateway)
    if (from === 'inventory') {
      if (keys.every((key) => hostKeyText(key) !== publicKey))
        say(`${gateway.name}: its host key is pinned in the inventory: add "${publicKey}" to its "hostKeys" there`)
      return
    }
    await pins.replace({ ...gateway, port: gateway.port ?? (await userConfig(gateway.name)).port }, hostKey)
  })
}

export function hasCome({ hosts }: Report, { gateway }: Restoration): boolean {
  const outcome = hosts.find(({ name }) => name === gateway.name)?.outcome
  return outcome === 'ok' || outcome === 'changed' || outcome === 'differs'
}

/** The gateway alone, by the key that it shows or the one that it gets, which it gets last of all. */
function asked(it: Restoration): Asked {
  const { gateway, change } = it
  return {
    wish: (written: Inventory) => ({ ...written, restored: gateway.name }),
    limit: [gateway.name],
    silent: true,
    ...(change && {
      hostKeys: keysOf(it),
      beyond: () => [on([gateway], () => [hostKeys, spareHostKey(hostKeyText(change.spare.hostKey))])],
    }),
  }
}

function keysOf({ gateway, change }: Restoration): Map<string, HostKey[]> {
  if (!change) return new Map([[gateway.name, []]])
  const { shown, spare } = change
  const isSpare = hostKeyText(shown) === spare.publicKey
  return new Map([[gateway.name, isSpare ? [spare.hostKey] : [shown, spare.hostKey]]])
}

function onGateway(it: Restoration, act: (session: Session) => Promise<void>): Promise<void> {
  const work = async (context: ReachContext) => act(await reach(it.gateway, context))
  return connected(it.inventory, it.argv, work, () => ({ instead: keysOf(it) }))
}

function ignored(error: unknown): void {
  if (!(error instanceof ProvisionError)) throw error
}
