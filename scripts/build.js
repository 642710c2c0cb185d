// The sources → dist/: one bundle for the command, one for what playbooks import, shared chunks between them.
import { cp, readFile, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const { version } = JSON.parse(await readFile('package.json', 'utf8'))

await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: ['src/cli.ts', 'src/index.ts'],
  outdir: 'dist',
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
  sourcemap: true,
  logLevel: 'warning',
})
await cp('inventory/schema.json', 'dist/schema.json')
