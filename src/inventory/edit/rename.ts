import { InventoryError } from '../../errors.ts'
import { suggest } from '../messages.ts'
import { type Device, nameOnGateways } from '../model.ts'
import type { Reader } from './add-devices.ts'
import { withoutTemplates } from './templates.ts'
import { cut, find, replaced, withProperty } from './text.ts'

export interface Renaming {
  readonly from: string
  readonly to: string
  /** Somebody has already given the device its new name in the file, and its pins tell that it had the old one. */
  readonly pinned: boolean
}

export interface Renamed {
  readonly text: string
  /** The name by which its gateways know it, where that is not its name now. */
  readonly knownAs?: string
  /** Groups that made the device by their {index}, and have it no more. */
  readonly groups: readonly string[]
}

/**
 * The text of an inventory in which a device has another name; its gateways go on with the one that they know. Where
 * the file has the new name already, only that is added.
 * @throws InventoryError for what cannot be renamed; nothing is half done
 */
export function withNewName(text: string, renaming: Renaming, read: Reader): Renamed {
  const { from, to, pinned } = renaming
  const { gateways, devices, file } = read(text)
  const [before, after] = [from, to].map((name) => devices.find((device) => device.name === name))
  if (gateways.some(({ name }) => name === from)) {
    const hint = 'devices have its name in their units; you may change its "address" instead'
    throw new InventoryError(`${from} is a gateway, and gateways keep their names`, hint)
  }
  if (before !== undefined && after !== undefined) {
    throw new InventoryError(`${to} is already in the inventory`, `remove it first, or choose another name for ${from}`)
  }
  if (before !== undefined) return checked({ ...given(text, before, to), read, renaming })
  const known = after?.knownAs
  if (after === undefined || (known !== from && !pinned)) {
    const names = devices.map(({ name }) => name)
    throw new InventoryError(`${file} has no device ${from}${suggest(from, names, `known are ${names.join(', ')}`)}`)
  }
  if (known !== undefined) return { text, knownAs: known, groups: [] }
  return checked({ text: withKnownAs(text, to, from), knownAs: from, groups: [], read, renaming })
}

function given(text: string, device: Device, to: string): Renamed {
  const from = device.name
  const former = nameOnGateways(device)
  const knownAs = former === to ? undefined : former
  const { text: listed, groups } = withoutTemplates(text, from, to)
  const key = find(listed, ['devices', from])?.parent?.children?.[0]
  const named = key === undefined ? listed : replaced(listed, key, JSON.stringify(to))
  const known = withKnownAs(named, to, knownAs)
  return { text: withAddress(known, device, to), groups, ...(knownAs !== undefined && { knownAs }) }
}

function withKnownAs(text: string, name: string, knownAs: string | undefined): string {
  const path = ['devices', name, 'knownAs']
  const there = find(text, path)
  if (knownAs === undefined) return there === undefined ? text : cut(text, path)
  if (there !== undefined) return replaced(text, there, JSON.stringify(knownAs))
  return withProperty(text, ['devices', name], `"knownAs": ${JSON.stringify(knownAs)}`)
}

/** Where the name was the address, it still is: the machine has not moved. */
function withAddress(text: string, { name: from, address, via }: Device, to: string): string {
  const path = ['devices', to, 'address']
  if (address === to && find(text, path) !== undefined) return cut(text, path)
  if (address !== undefined || via.every((way) => way === 'forward')) return text
  return withProperty(text, ['devices', to], `"address": ${JSON.stringify(from)}`)
}

function checked({
  read,
  renaming: { from, to },
  ...renamed
}: Renamed & { read: Reader; renaming: Renaming }): Renamed {
  try {
    read(renamed.text)
    return renamed
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error
    const [problem] = error.problems
    throw new InventoryError(
      `${from} cannot be renamed to ${to}: ${problem?.message ?? error.message}`,
      'nothing was written',
    )
  }
}
