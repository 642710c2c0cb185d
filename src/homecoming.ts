import { enrolledFolder } from '../playbooks/reverse-tunnel/names.ts'
import { type Card, expectedCards, handedIn, pinCard } from './cards.ts'
import { ProvisionError } from './errors.ts'
import type { Fleet } from './fleet.ts'
import type { Device, Inventory } from './inventory/model.ts'
import { fingerprintOf } from './pins.ts'
import { reach } from './reach.ts'
import type { Run } from './run.ts'
import type { Session } from './session.ts'
import { sh } from './sh.ts'

/** Devices that come back with a fresh card: known again by what they have handed in at their gateway. */
export interface Homecoming {
  /** Pins the new host keys of those that have come back since, and names them. Costs nothing where no card is waited for. */
  met(): Promise<readonly string[]>
}

export function homecoming(inventory: Inventory, fleet: Fleet, run: Run): Homecoming {
  const { pins } = run.context.wire
  return {
    async met() {
      const found: string[] = []
      for (const card of await expectedCards(pins)) {
        const device = inventory.devices.find(({ name }) => name === card.device)
        if (device && run.limit(device.name) && (await welcome(device, card))) found.push(device.name)
      }
      return found
    },
  }

  async function welcome(device: Device, card: Card): Promise<boolean> {
    for (const gateway of new Set(device.forwards.map((forward) => forward.gateway))) {
      const record = await onGateway(gateway, inventory, fleet, run, (session) => recordOf(session, device.name))
      const found = record === undefined ? undefined : handedIn(record, card)
      if (!found) continue
      const keys = found.hostKeys.map((key) => `${key.type} ${fingerprintOf(key)}`).join(', ')
      const story = `${device.name}: came back with a fresh card, enrolled at ${gateway} ${found.at.toISOString()}`
      if ((await pins.for(device)).from === 'inventory') {
        run.progress.note(`${story}; its pin stands in the inventory: write its new keys there: ${keys}`)
        return false
      }
      await pinCard(pins, device, found.hostKeys)
      run.progress.note(`${story}; its pin was replaced by ${keys}`)
      return true
    }
    return false
  }
}

/** The session of this run on a gateway, or one for this alone; undefined where the gateway cannot be asked. */
export async function onGateway<T>(
  name: string,
  inventory: Inventory,
  { members }: Fleet,
  run: Run,
  ask: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  const gateway = inventory.gateways.find((one) => one.name === name)
  const there = members.get(name)?.session
  if (!gateway || members.get(name)?.failure) return undefined
  try {
    const session = there ?? (await reach(gateway, run.context, { signal: run.signal }))
    try {
      return await ask(session)
    } finally {
      if (!there) session.close()
    }
  } catch (error) {
    if (error instanceof ProvisionError) return undefined
    throw error
  }
}

async function recordOf(session: Session, device: string): Promise<string> {
  const script = sh`cat ${`${enrolledFolder}/${device}`} 2>/dev/null || :`
  const { stdout } = await session.exec(`${script.text}\n`, { timeoutMs: 20_000, privileged: true })
  return stdout.toString()
}
