import { examine } from '../doctor/examine.ts'
import { tunnelPartsOf } from '../doctor/tunnel.ts'
import type { Device, Inventory } from '../inventory/model.ts'
import { brokenLinks } from '../report/doctor/doctor.ts'
import type { ReachContext } from '../ssh/reach/reach.ts'
import type { GatewaySight } from './gateway-sight.ts'

export interface OutageCause {
  readonly cause: string
  readonly mend?: string
}

/** The first broken link of a device's tunnels; undefined where none was found. */
export async function causeOf(
  device: Device,
  inventory: Inventory,
  context: ReachContext,
): Promise<OutageCause | undefined> {
  const tunnels = tunnelPartsOf(device, inventory.gateways)
  if (tunnels.length === 0) return undefined
  const now = () => performance.now()
  const report = await examine({ inventory: inventory.file, device, tunnels, context, now, debug: () => undefined })
  const [broken] = brokenLinks(report.tunnels)
  return broken && { cause: `${broken.link}: ${broken.says}`, ...(broken.mend !== undefined && { mend: broken.mend }) }
}

/** What a gateway that is back shows of the time when it could not be reached. Begin in milliseconds. */
export function gatewayCause({ booted }: GatewaySight, begin: number): string | undefined {
  if (booted === undefined) return undefined
  return booted > begin - 10_000
    ? `it was started again at ${new Date(booted).toISOString().slice(11, 19)} UTC`
    : 'it ran all the while: the way to it from here was cut'
}
