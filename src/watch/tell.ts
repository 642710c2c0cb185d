import type { Inventory } from '../inventory/model.ts'
import type { AlertEvent } from './alerts/message.ts'
import type { Outbox } from './alerts/outbox.ts'
import type { HostChange } from './board.ts'
import type { OutageCause } from './cause.ts'
import { alertOf, type Ledger } from './ledger.ts'

export interface Telling {
  readonly ledger: Ledger
  readonly outbox: Pick<Outbox, 'tell'>
  readonly inventory: () => Inventory
  /** Why it is so, where somebody can be asked. Never throws; takes its time. */
  readonly explain: (change: HostChange, many: boolean) => Promise<OutageCause | undefined>
  readonly onEvents: (events: readonly AlertEvent[]) => void
}

/**
 * Tells changes in their order: why is asked first, then all is written down and told in one moment, so that a watcher
 * that is killed in between has done neither or both. Resolves when that is done.
 */
export function teller({ ledger, outbox, inventory, explain, onEvents }: Telling) {
  let last: Promise<void> = Promise.resolve()

  async function tell(changes: readonly HostChange[]): Promise<void> {
    // Of a whole site that went away one cause is as good as twenty.
    const causes = await Promise.all(changes.map((change, index) => explain(change, index >= 3)))
    const events = changes.map((change, index) => {
      const noted = ledger.note(change)
      const cause = causes[index]
      if (cause) ledger.because(noted.began ?? noted.ended, cause.cause)
      const event = alertOf(change, noted, groupsOf(change, inventory()))
      return cause ? { ...event, ...cause } : event
    })
    outbox.tell(events)
    onEvents(events)
  }

  return (changes: readonly HostChange[]): Promise<void> => {
    if (changes.length > 0) last = last.then(() => tell(changes))
    return last
  }
}

/** Of a gateway: all groups with a device that depends on it. */
function groupsOf({ host }: HostChange, { devices, groups }: Inventory): string[] {
  const names =
    host.role === 'device'
      ? [host.name]
      : devices.filter((one) => one.forwards.some(({ gateway }) => gateway === host.name)).map(({ name }) => name)
  return groups.filter((group) => names.some((name) => group.devices.includes(name))).map(({ name }) => name)
}
