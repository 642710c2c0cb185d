import { defineConfig } from 'vitest/config'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sh') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

/** What is run three times in a row: faults, whose seconds are held against the promise, attacks, and kills. */
const matrices = ['attacks', 'faults', 'kills'].map((name) => `test/e2e/${name}.test.ts`)

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
        // They wait for processes more than they work: one at a time leaves half of two cores idle.
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], maxWorkers: 3 },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: matrices,
          // They wait more than they work: three labs at a time fill two cores.
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'matrix', include: matrices, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
