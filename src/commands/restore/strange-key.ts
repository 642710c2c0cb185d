import { setTimeout as wait } from 'node:timers/promises'
import { ConnectError } from '../../errors.ts'
import type { Gateway, Inventory } from '../../inventory/model.ts'
import { fingerprintOf, type HostKey, hostKeyText, judge } from '../../ssh/host-keys/pins.ts'
import { fetchHostKey } from '../../ssh/reach/fetch-host-key.ts'
import { askYes } from '../shared/ask.ts'
import { connected } from '../shared/context.ts'
import type { WorkArguments } from '../shared/options.ts'
import { pinsOf } from '../shared/pins-of.ts'

export interface ShownKey {
  readonly key: HostKey
  /** Nobody had to be asked. */
  readonly known: boolean
}

/**
 * The host key that the gateway shows now, which is a new one after it was installed anew: pinned, its spare, or
 * accepted by the user. Nothing is pinned here.
 * @throws ConnectError where the user does not say yes, and where the gateway is not there
 */
export async function shownBy(
  gateway: Gateway,
  inventory: Inventory,
  { argv, spare }: { readonly argv: WorkArguments; readonly spare: string },
): Promise<ShownKey> {
  const { name } = gateway
  // As if nothing were pinned: of types that are, it may have other keys, and ed25519 is the one that is going to be
  // replaced.
  const blank = () => ({ instead: new Map([[name, []]]) })
  const { key } = await connected(
    inventory,
    argv,
    (context) => patiently(() => fetchHostKey(gateway, ['direct'], context)),
    blank,
  )
  const pins = pinsOf(inventory)
  const verdict = judge(await pins.for(gateway), key)
  if (verdict === 'revoked') await pins.settle(gateway, key)
  const known = verdict === 'known' || hostKeyText(key) === spare
  if (known || argv.acceptNewHostKey?.includes(name) || (verdict === 'unknown' && argv.trustFirst))
    return { key, known }
  const seen = `${name} shows ${key.type} ${fingerprintOf(key)}`
  const where = 'compare it on the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)'
  const hint = `${where}, because the machine that holds this key will get the spare private key; then run again with --accept-new-host-key ${name}`
  const kind = verdict === 'changed' ? 'changed-host-key' : 'unknown-host-key'
  if (!process.stdin.isTTY) throw new ConnectError(kind, `${seen}, which is not known yet`, hint)
  if (await askYes(`${seen}, which is not known yet: ${where}. Is it the same key? (yes/no) `)) return { key, known }
  throw new ConnectError(kind, `${seen}, and you did not confirm this key`, 'nothing was touched')
}

/**
 * Devices that dial a strange gateway in vain count against the address that they share with whoever is in their site:
 * sshd refuses it for 15 s and more, again and again (PerSourcePenalties, sshd_config(5)), with a while between.
 */
async function patiently<T>(fetch: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await fetch()
    } catch (error) {
      const mayPass = error instanceof ConnectError && error.kind === 'unreachable' && performance.now() < deadline
      if (!mayPass) throw error
      await wait(2_000)
    }
  }
}
