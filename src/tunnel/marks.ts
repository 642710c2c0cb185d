import { type Device, type Inventory, nameOnGateways } from '../inventory/model.ts'
import type { Mark } from '../resources/mark.ts'

/** What everything carries that this inventory makes, for this device or for none in particular. */
export const markFor = ({ id = '-' }: Pick<Inventory, 'id'>, device?: Device): Mark => ({
  inventory: id,
  ...(device && { device: nameOnGateways(device) }),
})
