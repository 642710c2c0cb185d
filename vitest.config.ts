import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    /\.(sh|bash|zsh|fish)$/.test(id) ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

const endToEnd = (name: string) => `test/e2e/${name}.test.ts`

/**
 * First what fills two cores as it is: machines that boot and are provisioned. Kills, which would do so alone, all at
 * once and then again, give way.
 */
const crowded = { maxWorkers: 4, sequence: { groupOrder: 0 } }
/**
 * Then faults, whose seconds are held against the promise, and a watcher, whose seconds count, too: they wait for most of
 * the time. What fills their pauses gives way: unit tests, and end-to-end tests in which no second counts.
 */
const calm = { maxWorkers: 6, sequence: { groupOrder: 1 } }
const givesWay = { setupFiles: ['test/give-way.ts'] }
const measured = ['faults', 'watch'].map(endToEnd)
const patient = ['attacks', 'card', 'cards', 'ci', 'examples', 'exit-codes', 'image', 'recipes', 'words'].map(endToEnd)
const [kills, edits] = [endToEnd('kills'), endToEnd('edits')]

/** Of commands that are timed, and so many that their coverage would fill the disk. */
const uncovered = { PROVISION_COVERAGE: '' }

/** Machines boot and are provisioned while others do. */
const patience = { testTimeout: 120_000, hookTimeout: 240_000 }

export default defineConfig({
  plugins: [shellAsText],
  test: {
    // Unit tests run beside machines that boot: generous, for a slow machine is no fault.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // What is imported by all is not loaded again by each.
    isolate: false,
    sequence: { sequencer: LongestFirst },
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
          exclude: [...measured, ...patient, kills, edits],
          ...patience,
          ...crowded,
        },
      },
      { extends: true, test: { name: 'edits', include: [edits], env: uncovered, ...patience, ...crowded } },
      { extends: true, test: { name: 'kills', include: [kills], env: uncovered, ...givesWay, ...crowded } },
      { extends: true, test: { name: 'measured', include: measured, env: uncovered, ...calm } },
      {
        extends: true,
        test: {
          ...{ name: 'patient', include: patient, ...givesWay },
          // Who gives way may have to wait for long.
          ...{ testTimeout: 600_000, hookTimeout: 900_000 },
          ...calm,
        },
      },
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], ...givesWay, ...calm },
      },
    ],
  },
})
