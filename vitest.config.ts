import { defineConfig } from 'vitest/config'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sh') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

const endToEnd = (name: string) => `test/e2e/${name}.test.ts`

/**
 * What is run three times in a row. The seconds of the faults are held against the promise: they wait for most of the
 * time, and what runs beside them gives way to them. Kills boot and restart more than two cores can do.
 */
const calm = ['attacks', 'faults'].map(endToEnd)
const busy = [endToEnd('kills')]

/** Of commands that are timed, and so many that their coverage would fill the disk. */
const uncovered = { PROVISION_COVERAGE: '' }

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
    // One group after the other. Tests wait more than they work: several at a time fill two cores.
    projects: [
      {
        extends: true,
        test: {
          name: 'e2e',
          include: [endToEnd('**/*')],
          exclude: [...calm, ...busy],
          maxWorkers: 4,
          testTimeout: 120_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'matrix', include: calm, maxWorkers: 3, env: uncovered, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          setupFiles: ['test/give-way.ts'],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'kills', include: busy, env: uncovered, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
