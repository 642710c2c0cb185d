import { isObject } from '../../files/json.ts'
import { expandGroups } from '../read/groups.ts'
import { indexIn, readIndexes, withoutIndex } from '../read/index-range.ts'
import { problemsOf } from '../read/problems.ts'
import { readShape } from '../read/shape.ts'
import { plainValue } from '../read/syntax.ts'
import { withDevice } from './insert.ts'
import { withoutMember } from './remove.ts'
import { cut, find, inserted, replaced, withProperty } from './text.ts'

/**
 * The text in which every group has the device by its new name. Where {index} makes the device, its number goes, and it
 * stands there by its name; a group whose settings need {index} cannot have it so, and what it has given the device is
 * written under "devices" (`groups`).
 */
export function withoutTemplates(
  text: string,
  from: string,
  to: string,
): { readonly text: string; readonly groups: readonly string[] } {
  const names = (find(text, ['groups'])?.children ?? []).map(({ children: [key] = [] }) => String(key?.value))
  const left: string[] = []
  const after = names.reduce((before, group) => {
    const listed = find(before, ['groups', group, 'devices'])
    const own = listed?.children?.find(({ value }) => value === from)
    if (own !== undefined) return replaced(before, own, JSON.stringify(to))
    if (!isMade(before, group, from)) return before
    if (!needsIndex(before, group)) return byName(before, { group, from, to })
    left.push(group)
    return withoutMember(written(before, group, from), group, from)
  }, text)
  return { text: after, groups: left }
}

const templateOf = (text: string, group: string) =>
  find(text, ['groups', group, 'devices'])?.children?.find(({ value }) => String(value).includes('{index}'))

const indexesOf = (text: string, group: string) => find(text, ['groups', group, 'index'])

function isMade(text: string, group: string, name: string): boolean {
  const index = indexIn(String(templateOf(text, group)?.value ?? ''), name)
  const read = readIndexes(String(indexesOf(text, group)?.value ?? ''))
  return index !== undefined && 'indexes' in read && read.indexes.includes(index)
}

function needsIndex(text: string, group: string): boolean {
  const settings = find(text, ['groups', group, 'settings'])
  return settings !== undefined && JSON.stringify(plainValue(settings)).includes('{index}')
}

/** The new name stands in the list in place of a number; the device itself gets a line of its own. */
function byName(
  text: string,
  { group, from, to }: { readonly group: string; readonly from: string; readonly to: string },
): string {
  const [template, indexes] = [templateOf(text, group), indexesOf(text, group)]
  if (template === undefined || indexes === undefined) return text
  const left = withoutIndex(String(indexes.value), indexIn(String(template.value), from) ?? '')
  const listed = withEntry(text, from)
  if (left === '') {
    const alone = templateOf(listed, group)
    return cut(alone ? replaced(listed, alone, JSON.stringify(to)) : listed, ['groups', group, 'index'])
  }
  const counted = replaced(listed, indexesOf(listed, group) ?? indexes, JSON.stringify(left))
  const devices = find(counted, ['groups', group, 'devices'])
  return devices === undefined ? counted : inserted(counted, devices, JSON.stringify(to))
}

/** With all that the group has given the device, under the device itself. */
function written(text: string, group: string, name: string): string {
  const root = find(text, [])
  const problems = problemsOf(text, '', root)
  const shape = root && readShape(plainValue(root), problems)
  const grown = shape && expandGroups({ ...shape, groups: { [group]: shape.groups?.[group] } }, problems)
  const device = grown?.file.devices?.[name] ?? {}
  return Object.entries(device).reduce(
    (before, [key, value]) => {
      const there = find(before, ['devices', name, key])
      if (there === undefined) return withProperty(before, ['devices', name], `${JSON.stringify(key)}: ${print(value)}`)
      if (!isObject(value)) return before
      return Object.entries(value).reduce((all, [inner, part]) => {
        const path = ['devices', name, key]
        if (find(all, [...path, inner]) !== undefined) return all
        return withProperty(all, path, `${JSON.stringify(inner)}: ${print(part)}`)
      }, before)
    },
    withEntry(text, name),
  )
}

const withEntry = (text: string, name: string) =>
  find(text, ['devices', name]) === undefined ? withDevice(text, name, {}) : text

function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${print(part)}`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}
