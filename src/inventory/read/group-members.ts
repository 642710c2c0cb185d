import type * as File from '../file.ts'
import { show } from '../messages.ts'
import { readIndexes } from './index-range.ts'
import type { Path, Problems } from './problems.ts'
import type { DeepPartial } from './shape.ts'

export interface GroupMember {
  readonly name: string
  /** What `{index}` is for it; undefined: it is named as it is. */
  readonly index: string | undefined
  /** Where the group names it. */
  readonly path: Path
}

/** The devices that a group names, `{index}` counted out. Those that its settings cannot be for stay out. */
export function membersOf(group: string, wanted: Partial<DeepPartial<File.Group>>, problems: Problems): GroupMember[] {
  const place = ['groups', group]
  const entries = (wanted.devices ?? []).flatMap((text, at) =>
    text === undefined ? [] : [{ text, path: [...place, 'devices', at] }],
  )
  const templates = entries.filter(({ text }) => text.includes('{index}'))
  for (const { path } of templates.slice(1)) {
    problems.add(path, 'is the second name with {index} here: give each of them a group of its own')
  }
  for (const { text, path } of entries) {
    if (/[{}]/.test(text.replaceAll('{index}', '')))
      problems.add(path, `${show(text)}: only {index} may be in braces here`)
  }
  checkSettings(wanted.settings ?? {}, [...place, 'settings'], problems)
  const indexes = indexesOf(wanted, templates.length, { place, problems })
  const counts = JSON.stringify(wanted.settings ?? {}).includes('{index}')
  return entries.flatMap(({ text, path }): GroupMember[] => {
    if (problems.has(path)) return []
    if (text.includes('{index}'))
      return indexes.map((index) => ({ name: text.replaceAll('{index}', index), index, path }))
    if (counts) problems.add(path, 'has no {index}, which the settings of this group need: give it a group of its own')
    return counts ? [] : [{ name: text, index: undefined, path }]
  })
}

function indexesOf(
  { index }: Partial<DeepPartial<File.Group>>,
  templates: number,
  { place, problems }: { readonly place: Path; readonly problems: Problems },
): readonly string[] {
  const there = [...place, 'index']
  if (index === undefined) {
    const wrong = problems.has(there) || templates === 0
    if (!wrong) problems.add(place, '"index" is missing: write what {index} stands for, such as "001-300"')
    return []
  }
  const read = readIndexes(index)
  if ('problem' in read) problems.add(there, read.problem)
  else if (templates === 0)
    problems.add(there, 'needs a name with {index} in it: write one under "devices" of this group')
  return 'problem' in read ? [] : read.indexes
}

function checkSettings({ hostKeys, address, knownAs }: DeepPartial<File.Device>, path: Path, problems: Problems): void {
  // A certificate authority may vouch for many.
  if (hostKeys?.some((key) => key !== undefined && !key.startsWith('@cert-authority')))
    problems.addAtKey([...path, 'hostKeys'], 'belong to one machine: write them under "devices"')
  if (knownAs !== undefined) problems.addAtKey([...path, 'knownAs'], 'belongs to one machine: write it under "devices"')
  if (address !== undefined && !address.includes('{index}')) {
    problems.add([...path, 'address'], 'belongs to one machine: put {index} into it, or write it under "devices"')
  }
}
