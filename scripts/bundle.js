/** What every bundle of the sources has in common: the build's, and those that tests make of single modules. */
export const bundleOptions = {
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
  loader: { '.sh': 'text', '.bash': 'text', '.zsh': 'text', '.fish': 'text', '.node': 'empty' },
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
  logLevel: 'warning',
}

/** What stands in the sources in place of these. */
export const defined = (version) => ({
  __VERSION__: JSON.stringify(version),
  __dirname: '__bundleFolder',
  __filename: '__bundleFile',
})

/** The recipe that is followed where nobody names another one, beside whatever loads it. */
export const defaultPlaybook = { 'reverse-tunnel': 'playbooks/reverse-tunnel.ts' }
