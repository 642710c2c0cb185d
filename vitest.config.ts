import { defineConfig } from 'vitest/config'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sh') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

/** What is run three times in a row: faults, whose seconds are held against the promise, attacks, and kills. */
const matrices = ['attacks', 'faults', 'kills'].map((name) => `test/e2e/${name}.test.ts`)

/**
 * First the end-to-end tests, which wait more than they work: so many at a time fill two cores. Then the matrices, side by
 * side; as soon as one has ended, unit tests take the cores that it leaves.
 */
const atATime = { endToEnd: 4, matrices: matrices.length }
const second = { maxWorkers: atATime.matrices, sequence: { groupOrder: 1 } }

export default defineConfig({
  plugins: [shellAsText],
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is imported by all is not loaded again by each.
    isolate: false,
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
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], ...second },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: matrices,
          maxWorkers: atATime.endToEnd,
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        // Their commands are timed, and the coverage of so many would fill the disk.
        test: { name: 'matrix', include: matrices, env: { PROVISION_COVERAGE: '' }, ...second },
      },
    ],
  },
})
