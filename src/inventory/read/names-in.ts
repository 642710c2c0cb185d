import { readFile } from 'node:fs/promises'
import { parse } from 'jsonc-parser'
import type { InventoryFile } from '../file.ts'
import { membersOf } from './group-members.ts'
import { problemsOf } from './problems.ts'
import type { DeepPartial } from './shape.ts'

/** What an inventory has by name. */
export interface Names {
  readonly gateways: readonly string[]
  readonly devices: readonly string[]
  readonly clients: readonly string[]
  readonly groups: readonly string[]
}

/** For who has to be quick and only guesses a name: nothing is checked, and of no file there is nothing. */
export async function namesIn(file: string | undefined): Promise<Names> {
  const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '')
  const written: DeepPartial<InventoryFile> = Object(parse(text, [], { allowTrailingComma: true }))
  const keys = (key: 'gateways' | 'devices' | 'clients' | 'groups') => Object.keys(Object(written[key]))
  return {
    gateways: keys('gateways'),
    devices: [...new Set([...keys('devices'), ...membersOfGroups(written, text)])],
    clients: keys('clients'),
    groups: keys('groups'),
  }
}

/** With the devices that a group makes of a range. */
function membersOfGroups({ groups }: DeepPartial<InventoryFile>, text: string): readonly string[] {
  const mistakes = problemsOf(text, '', undefined)
  try {
    return Object.entries(groups ?? {}).flatMap(([name, group]) =>
      membersOf(name, group ?? {}, mistakes).map((member) => member.name),
    )
  } catch {
    return []
  }
}
