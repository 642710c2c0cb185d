import { defineConfig } from 'vitest/config'

const shellAsText = {
  name: 'shell-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sh') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

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
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'] } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], fileParallelism: false } },
    ],
  },
})
