import type { InventoryFile } from '../inventory/file.ts'

/** The text of an inventory, a line for each host and group. */
export function printInventory(file: InventoryFile, comment: string): string {
  const parts = Object.entries({ $schema: './schema.json', ...file }).map(([key, value]) => {
    const each = key === 'gateways' || key === 'devices' || key === 'groups'
    return `  ${JSON.stringify(key)}: ${each ? block(Object.entries(value)) : printLine(value)},\n`
  })
  return `// ${comment}\n{\n${parts.join('')}}\n`
}

function block(entries: readonly (readonly [string, unknown])[]): string {
  if (entries.length === 0) return '{}'
  return `{\n${entries.map(([name, value]) => `    ${JSON.stringify(name)}: ${printLine(value)},\n`).join('')}  }`
}

/** On one line, as people write it. */
export function printLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${printLine(part)}`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}
