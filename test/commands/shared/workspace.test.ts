import { expect, test } from 'vitest'
import { fromWorkspace } from '../../../src/commands/shared/workspace.ts'

test.each([
  ['/w/repo/inventory.json', '/w/repo', 'inventory.json'],
  ['/w/repo/sites/a.json', '/w/repo/', 'sites/a.json'],
  ['/w/other/a.json', '/w/repo', '/w/other/a.json'],
  ['/w/repository/a.json', '/w/repo', '/w/repository/a.json'],
  ['sites/a.json', undefined, 'sites/a.json'],
  ['sites/a.json', '', 'sites/a.json'],
  ['sites/a.json', process.cwd(), 'sites/a.json'],
])('%s in the checkout %s is %s', (file, workspace, name) => {
  expect(fromWorkspace(file, { GITHUB_WORKSPACE: workspace })).toBe(name)
})
