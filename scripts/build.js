// The sources → dist/: one bundle for the command, one for what playbooks import, shared chunks between them.
import { cp, readFile, rename, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const { version } = JSON.parse(await readFile('package.json', 'utf8'))

// Built beside and swapped in, so that a command that starts meanwhile finds one whole build.
const fresh = `dist.${process.pid}`
await build({
  entryPoints: { cli: 'src/cli.ts', index: 'src/index.ts', 'reverse-tunnel': 'playbooks/reverse-tunnel.ts' },
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // jsonc-parser's UMD build, which `main` names first, finds its own parts only unbundled.
  mainFields: ['module', 'main'],
  // Loads a user's playbook and its TypeScript at run time: it has to see the real file system.
  external: ['jiti', 'cpu-features'],
  // ssh2's native parts are optional: with noDelay they win nothing.
  loader: { '.sh': 'text', '.node': 'empty' },
  define: { __VERSION__: JSON.stringify(version), __dirname: '__bundleFolder', __filename: '__bundleFile' },
  // What CommonJS packages expect to find around them.
  banner: {
    js: [
      "import { createRequire as __createRequire } from 'node:module'",
      "import { fileURLToPath as __fileURLToPath } from 'node:url'",
      'const require = __createRequire(import.meta.url)',
      'const __bundleFile = __fileURLToPath(import.meta.url)',
      "const __bundleFolder = __fileURLToPath(new URL('.', import.meta.url))",
    ].join('\n'),
  },
  keepNames: true,
  // For scripts/coverage.js, which looks for them itself: Node would put one that is named into every coverage file.
  sourcemap: 'external',
  logLevel: 'warning',
})
await cp('inventory/schema.json', `${fresh}/schema.json`)
// js-fatfs finds its program beside the chunk that it became a part of.
await cp('node_modules/js-fatfs/dist/fatfs.wasm', `${fresh}/fatfs.wasm`)
await rename('dist', `${fresh}.old`).catch(() => {})
await rename(fresh, 'dist')
await rm(`${fresh}.old`, { recursive: true, force: true })
