// Writes what follows from inventory/schema.json. With --check: writes nothing, and exits 1 where a file is out of date.
// The validator is bundled, because ajv is a development dependency only.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build } from 'esbuild'
import { compile } from 'json-schema-to-typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const banner = 'Made from inventory/schema.json by `npm run generate`; do not edit.'

const declaration = `// ${banner}
export interface SchemaError {
  readonly instancePath: string
  readonly schemaPath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly propertyName?: string
}

/** The keys that an object may have, by its place: any of the gateways is at "/gateways/*". */
export const keys: Readonly<Record<string, readonly string[]>>

export const validate: { (data: unknown): boolean; errors?: readonly SchemaError[] | null }
`

/** The keys of every closed object, by its place in an inventory: `/gateways/*` is any of the gateways. */
function keysByPlace(schema) {
  const found = {}
  const walk = (part, place) => {
    if (part.$ref !== undefined) walk(schema.$defs[part.$ref.replace('#/$defs/', '')], place)
    if (part.additionalProperties === false) found[place] = Object.keys(part.properties)
    for (const [key, inner] of Object.entries(part.properties ?? {})) walk(inner, `${place}/${key}`)
    for (const inner of [part.additionalProperties, part.items].filter(Boolean)) walk(inner, `${place}/*`)
    for (const inner of part.anyOf ?? []) walk(inner, place)
  }
  walk(schema, '')
  return found
}

/** A description beside a $ref makes a type of its own for an object that has one already. */
function withoutOwnWords(schema) {
  const { settings } = schema.$defs.group.properties
  delete settings.description
  return schema
}

async function types(schema) {
  const text = await compile(withoutOwnWords(structuredClone(schema)), 'InventoryFile', {
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    bannerComment: `// ${banner}`,
    style: { semi: false, singleQuote: true, printWidth: 120 },
  })
  return text.replace(/\/\*\*\n *\* ([^\n]*)\n *\*\//g, '/** $1 */')
}

async function validator(schema) {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, code: { source: true, esm: true } })
  // What VS Code reads of a schema besides: https://code.visualstudio.com/docs/languages/json
  ajv.addVocabulary(['allowComments', 'allowTrailingCommas'])
  ajv.addSchema(schema, 'inventory')
  const bundle = await build({
    stdin: {
      contents: `${standaloneCode.default(ajv, { validate: 'inventory' })}
export const keys = ${JSON.stringify(keysByPlace(schema))}`,
      resolveDir: root,
      loader: 'js',
    },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'node20',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    banner: { js: `// ${banner}` },
    write: false,
  })
  return bundle.outputFiles[0].text
}

const schema = JSON.parse(await readFile(`${root}inventory/schema.json`, 'utf8'))
const files = {
  'src/inventory/file.ts': await types(schema),
  'src/inventory/validate.js': await validator(schema),
  'src/inventory/validate.d.ts': declaration,
}

const check = process.argv.includes('--check')
for (const [file, text] of Object.entries(files)) {
  if (!check) {
    await writeFile(root + file, text)
  } else if ((await readFile(root + file, 'utf8').catch(() => undefined)) !== text) {
    console.error(`${file} is out of date: run npm run generate`)
    process.exitCode = 1
  }
}
