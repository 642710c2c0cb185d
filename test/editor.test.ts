import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { getLanguageService, type JSONSchema, TextDocument } from 'vscode-json-languageservice'
import { firstInventory } from '../src/inventory/edit/new-inventory.ts'

/** What VS Code underlines in an inventory: its own language service, told of the schema as by "$schema". */

const folder = join(import.meta.dirname, '../inventory')
const schema = JSON.parse(readFileSync(join(folder, 'schema.json'), 'utf8')) as JSONSchema

async function underlined(text: string, by: JSONSchema = schema): Promise<string[]> {
  const service = getLanguageService({})
  service.configure({ schemas: [{ uri: 'schema.json', fileMatch: ['*'], schema: by }] })
  const document = TextDocument.create('file:///inventory.json', 'json', 1, text)
  const found = await service.doValidation(document, service.parseJSONDocument(document), undefined, by)
  return found.map(({ message }) => String(message))
}

const first = firstInventory({
  gateway: 'root@vps.example',
  dial: '',
  device: 'pi@pi1.home',
  ports: '9022-9999',
  user: '',
})

test('the file that init writes has no line that is underlined', async () => {
  expect(await underlined(first)).toEqual([])
})

test('nor have the examples', async () => {
  for (const name of readdirSync(join(folder, 'examples')).filter((file) => /\.jsonc?$/.test(file)))
    expect({ name, found: await underlined(readFileSync(join(folder, 'examples', name), 'utf8')) }).toEqual({
      ...{ name, found: [] },
    })
})

test('what is wrong would be, and so would comments and last commas without the word of the schema', async () => {
  expect(await underlined('{ "gatways": {} }')).toHaveLength(1)
  const { allowComments: _, allowTrailingCommas: __, ...strict } = schema
  expect(await underlined(first, strict)).toEqual(
    expect.arrayContaining([expect.stringContaining('Comments'), expect.stringContaining('comma')]),
  )
})
