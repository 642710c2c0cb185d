import { isObject } from '../../files/json.ts'
import type * as File from '../file.ts'
import { show, suggest } from '../messages.ts'
import type { Group } from '../model.ts'
import { hostNameProblem } from '../names.ts'
import { membersOf } from './group-members.ts'
import type { Path, Problems } from './problems.ts'
import type { DeepPartial } from './shape.ts'

export interface Grouped {
  /** As if there were no groups: each device has what its groups say. */
  readonly file: DeepPartial<File.InventoryFile>
  readonly groups: readonly Group[]
  /** Where that which stands at this path of `file` was written: there, or in a group. */
  readonly written: (path: Path) => Path
}

type Device = Readonly<Record<string, unknown>>

/** A device while the settings of its groups are added. */
interface Growing {
  device: Device
  /** The group's settings that a key came from, `login.user` for one of a login. */
  readonly from: Map<string, Path>
}

/** Writes out what groups stand for: their devices, and the settings of each. What is wrong stays out. */
export function expandGroups(file: DeepPartial<File.InventoryFile>, problems: Problems): Grouped {
  const groups = Object.entries(file.groups ?? {}).map(([name, group]) => {
    const problem = hostNameProblem(name)
    if (problem !== undefined) problems.addAtKey(['groups', name], problem.replaceAll('host name', 'group name'))
    return { name, group, members: membersOf(name, group ?? {}, problems) }
  })
  const made = new Map<string, Path>()
  for (const { members } of groups)
    for (const { name, index, path } of members) if (index !== undefined && !made.has(name)) made.set(name, path)
  const own = new Map(Object.entries(file.devices ?? {}))
  const growing = new Map<string, Growing>(
    [...own.keys(), ...made.keys()].map((name) => [name, { device: own.get(name) ?? {}, from: new Map() }]),
  )
  const cannotTell = file.devices === undefined && 'devices' in file
  for (const { group, members } of groups) {
    for (const { name, index, path } of members) {
      const device = growing.get(name)
      if (device === undefined) {
        const others = 'only a name with {index} makes devices; write this one under "devices" too'
        if (!cannotTell) problems.add(path, `there is no device ${show(name)}${suggest(name, [...own.keys()], others)}`)
      } else if (group?.settings !== undefined) {
        grow(name, device, { settings: group.settings, index, path, problems })
      }
    }
  }
  const devices = Object.fromEntries([...growing].map(([name, { device }]) => [name, device]))
  return {
    file:
      file.groups === undefined ? file : { ...file, devices: devices as DeepPartial<File.InventoryFile['devices']> },
    groups: groups.map(({ name, members }) => ({ name, devices: members.map((member) => member.name) })),
    written(path) {
      const [kind, name, key, inner, ...rest] = path
      const from = growing.get(String(name))?.from
      if (kind !== 'devices' || from === undefined) return path
      const leaf = from.get(`${key}.${inner}`)
      if (leaf) return [...leaf, ...rest]
      const whole = from.get(String(key))
      if (whole) return [...whole, ...path.slice(3)]
      return own.has(String(name)) ? path : (made.get(String(name)) ?? path)
    },
  }
}

interface Giving {
  readonly settings: DeepPartial<File.Device>
  readonly index: string | undefined
  /** Where the group names the device. */
  readonly path: Path
  readonly problems: Problems
}

/** What the device says itself goes first, key by key; in `login` and `accounts` entry by entry. */
function grow(name: string, growing: Growing, { settings, index, path, problems }: Giving): void {
  const own = growing.device
  for (const { keys, value } of leavesOf(settings)) {
    const leaf = keys.join('.')
    const place = [...path.slice(0, 2), 'settings', ...keys]
    const other = growing.from.get(leaf)
    if (other !== undefined) {
      const both = `${name} already has ${show(leaf)} from ${problems.line(other)}`
      problems.addAtKey(place, `${both}: keep it in one of the groups, or write it under "devices"`)
    } else if (!has(own, keys)) {
      growing.device = withLeaf(growing.device, keys, index === undefined ? value : withIndex(value, index))
      growing.from.set(leaf, place)
    }
  }
}

interface Leaf {
  readonly keys: readonly [string] | readonly [string, string]
  readonly value: unknown
}

function leavesOf(settings: DeepPartial<File.Device>): Leaf[] {
  return Object.entries(settings).flatMap(([key, value]): Leaf[] => {
    if ((key !== 'login' && key !== 'accounts') || !isObject(value)) return [{ keys: [key], value }]
    return Object.entries(value).map(([inner, part]) => ({ keys: [key, inner], value: part }))
  })
}

/** A key of the wrong shape is there, too: nothing takes its place. */
function has(device: Device, [key, inner]: Leaf['keys']): boolean {
  const value = device[key]
  if (inner === undefined || !isObject(value)) return key in device
  return inner in value
}

function withLeaf(device: Device, [key, inner]: Leaf['keys'], value: unknown): Device {
  if (inner === undefined) return { ...device, [key]: value }
  const now = device[key]
  return { ...device, [key]: { ...(isObject(now) ? now : {}), [inner]: value } }
}

/** In every text; one that is the port of a forward becomes a number. */
function withIndex(value: unknown, index: string, key?: string): unknown {
  if (typeof value === 'string') {
    const text = value.replaceAll('{index}', index)
    return key === 'port' && text !== value && /^\d+$/.test(text) ? Number(text) : text
  }
  if (Array.isArray(value)) return value.map((entry) => withIndex(entry, index))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([inner, part]) => [inner, withIndex(part, index, inner)]))
}
