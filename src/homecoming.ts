import { type Card, expectedCards, handedIn, pinCard } from './cards.ts'
import { ProvisionError } from './errors.ts'
import type { Fleet } from './fleet.ts'
import type { Device, Gateway, Inventory } from './inventory/model.ts'
import { type Knocks, knocksOf, toldBy } from './knocks.ts'
import { fingerprintOf, hostKeyText } from './pins.ts'
import { reach } from './reach.ts'
import type { ForwardReport } from './report/report.ts'
import type { Run } from './run.ts'

/** Devices that come back with a fresh card: known again by what they have handed in at their gateway. */
export interface Homecoming {
  /** Pins the new host keys of those that have come back since, and names them. Costs nothing where no card is waited for. */
  met(): Promise<readonly string[]>
  /** Of forwards that do not reach a device whose card is waited for: with what its gateway has seen of that. */
  explained(reports: readonly ForwardReport[]): Promise<ForwardReport[]>
}

export function homecoming(inventory: Inventory, { members }: Fleet, run: Run): Homecoming {
  const { pins } = run.context.wire
  const told = new Set<string>()
  const once = (text: string) => {
    if (!told.has(text)) run.progress.note(text)
    told.add(text)
  }
  const awaited = async () =>
    (await expectedCards(pins)).flatMap((card) => {
      const device = inventory.devices.find(({ name }) => name === card.device)
      return device && run.limit(device.name) ? [{ card, device }] : []
    })
  return {
    async met() {
      const found: string[] = []
      for (const { card, device } of await awaited()) if (await welcome(device, card)) found.push(device.name)
      return found
    },
    async explained(reports) {
      const cards = await awaited()
      return Promise.all(
        reports.map(async (report) => {
          const device = cards.find(({ device: { name } }) => name === report.device)?.device
          const gateway = inventory.gateways.find(({ name }) => name === report.gateway)
          if (!device || !gateway || report.state === 'ok') return report
          const knocks = await ask(gateway, device)
          if (!knocks) return report
          const { message, hint } = toldBy(gateway, knocks)
          return { ...report, error: { message: [report.error?.message, message].filter(Boolean).join('; '), hint } }
        }),
      )
    },
  }

  async function welcome(device: Device, card: Card): Promise<boolean> {
    const gateways = inventory.gateways.filter(({ name }) => device.forwards.some(({ gateway }) => gateway === name))
    for (const gateway of gateways) {
      const knocks = await ask(gateway, device)
      const found = knocks && handedIn(knocks.record, card)
      if (!found) continue
      const keys = found.hostKeys.map((key) => `${key.type} ${fingerprintOf(key)}`).join(', ')
      const story = `${device.name}: came back with a fresh card, enrolled at ${gateway.name} ${found.at.toISOString()}`
      const again = knocks.said.filter(({ what }) => what === 'refused: used').at(-1)
      if (again) {
        once(
          `${story}; but the same card was tried again from ${again.from} with other keys, so that nobody can tell which one is the device: its pin stays`,
        )
      } else if ((await pins.for(device)).from === 'inventory') {
        once(`${story}; its pin stands in the inventory: write its new keys there: ${keys}`)
      } else {
        const trusts = await pins.trusted(device)
        const same = found.hostKeys.some((key) => trusts(hostKeyText(key)))
        await pinCard(pins, device, found.hostKeys)
        once(`${story}; ${same ? 'it has kept its host key, and pinned is' : 'its pin was replaced by'} ${keys}`)
        return true
      }
    }
    return false
  }

  /** By the session of this run, or one for this alone; undefined where the gateway cannot be asked. */
  async function ask(gateway: Gateway, device: Device): Promise<Knocks | undefined> {
    const member = members.get(gateway.name)
    if (member?.failure) return undefined
    try {
      const session = member?.session ?? (await reach(gateway, run.context, { signal: run.signal }))
      try {
        return await knocksOf(session, gateway, device)
      } finally {
        if (session !== member?.session) session.close()
      }
    } catch (error) {
      if (error instanceof ProvisionError) return undefined
      throw error
    }
  }
}
