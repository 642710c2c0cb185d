// The sources → dist/: one bundle for the command, one for what playbooks import, shared chunks between them; the types of
// the second, and the licences of what is bundled.
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { bundleOptions, defaultPlaybook, defined } from './bundle.js'
import { licencesOf } from './licences.js'
import { writeTypes } from './types.js'

const { version } = JSON.parse(await readFile('package.json', 'utf8'))

// Built beside and swapped in, so that a command that starts meanwhile finds one whole build.
const fresh = `dist.${process.pid}`
const types = writeTypes(resolve(fresh, 'types'))
const { metafile } = await build({
  ...bundleOptions,
  entryPoints: {
    cli: 'src/cli.ts',
    index: 'src/index.ts',
    written: 'src/commands/line/written.ts',
    ...defaultPlaybook,
  },
  outdir: fresh,
  alias: Object.fromEntries(['cliui', 'string-width'].map((name) => [name, resolve(`scripts/stand-ins/${name}.js`)])),
  define: defined(version),
  keepNames: true,
  // For scripts/coverage.js, which looks for them itself: Node would put one that is named into every coverage file.
  sourcemap: 'external',
  metafile: true,
})
await types
await writeFile(`${fresh}/licences.txt`, await licencesOf(metafile))
await cp('inventory/schema.json', `${fresh}/schema.json`)
// js-fatfs finds its program beside the chunk that it became a part of.
await cp('node_modules/js-fatfs/dist/fatfs.wasm', `${fresh}/fatfs.wasm`)
// What follows from the commands: their catalog, for a quick help, and the manual page.
const { written } = await import(pathToFileURL(`${fresh}/written.js`).href)
for (const [name, text] of Object.entries(await written(version))) await writeFile(`${fresh}/${name}`, text)
await rename('dist', `${fresh}.old`).catch(() => {})
await rename(fresh, 'dist')
await rm(`${fresh}.old`, { recursive: true, force: true })
