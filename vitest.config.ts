import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    /\.(sh|bash|zsh|fish)$/.test(id) ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

const endToEnd = (name: string) => `test/e2e/${name}.test.ts`

/**
 * What is run three times in a row, in two groups of its own. The seconds of the faults are held against the promise, and
 * those of a watcher: they wait for most of the time, and unit tests, which fill the pauses, give way. Kills boot and
 * restart as much as two cores can do, all at once and then again.
 */
const calm = { maxWorkers: 5, sequence: { groupOrder: 1 } }
const busy = { maxWorkers: 4, sequence: { groupOrder: 2 } }
const givesWay = { setupFiles: ['test/give-way.ts'] }
const matrices = ['attacks', 'faults', 'watch'].map(endToEnd)
const [card, kills, edits] = [endToEnd('card'), endToEnd('kills'), endToEnd('edits')]

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
          exclude: [...matrices, card, kills, edits],
          ...patience,
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'edits',
          include: [edits],
          env: uncovered,
          ...patience,
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'matrix', include: matrices, env: uncovered, ...calm } },
      {
        extends: true,
        test: { name: 'emulated', include: [card], ...givesWay, ...patience, ...calm },
      },
      { extends: true, test: { name: 'kills', include: [kills], env: uncovered, ...busy } },
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], ...givesWay, ...calm },
      },
    ],
  },
})
