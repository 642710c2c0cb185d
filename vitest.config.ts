import { defineConfig } from 'vitest/config'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sh') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

/** What is run three times in a row: faults, whose seconds are held against the promise, attacks, and kills. */
const matrices = ['attacks', 'faults', 'kills'].map((name) => `test/e2e/${name}.test.ts`)

/** They wait more than they work: so many at a time fill two cores. */
const maxWorkers = 4

export default defineConfig({
  plugins: [shellAsText],
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'playbooks/**/*.ts'],
      exclude: ['**/*.d.ts', 'src/inventory/file.ts'],
      reporter: ['json'],
      reportsDirectory: 'coverage/vitest',
    },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], maxWorkers },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: matrices,
          maxWorkers,
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: { name: 'matrix', include: matrices, maxWorkers: matrices.length, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
