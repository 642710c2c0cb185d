import type { InventoryFile } from '../inventory/file.ts'

/** The text of an inventory, a line for each host and group. */
export function printInventory(file: InventoryFile, comment: string): string {
  const parts = Object.entries({ $schema: './schema.json', ...file }).map(([key, value]) => {
    const each = key === 'gateways' || key === 'devices' || key === 'groups'
    return `  ${JSON.stringify(key)}: ${each ? block(Object.entries(value)) : line(value)},\n`
  })
  return `// ${comment}\n{\n${parts.join('')}}\n`
}

function block(entries: readonly (readonly [string, unknown])[]): string {
  if (entries.length === 0) return '{}'
  return `{\n${entries.map(([name, value]) => `    ${JSON.stringify(name)}: ${line(value)},\n`).join('')}  }`
}

function line(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${line(part)}`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}
