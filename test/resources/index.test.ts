import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { golden } from './golden.ts'

const folder = resolve(import.meta.dirname, '../../src/resources')
const kinds = readdirSync(folder)
  .map((file) => basename(file, '.ts'))
  // A mark is what resources put on things, and none itself; the others are parts of kinds.
  .filter(
    (kind) =>
      ![
        ...['index', 'resource', 'mark', 'sshd-effective', 'sshd-reload', 'unread-sshd-config'],
        ...['unit-activation', 'unit-drop-ins', 'unit-settings', 'shut-accounts', 'own-groups'],
      ].includes(kind),
  )

test.each(kinds)('%s has a test, a line in the index, and a case in which nothing is left to do', (kind) => {
  expect(existsSync(`${import.meta.dirname}/${kind}.test.ts`)).toBe(true)
  expect(readFileSync(`${folder}/index.ts`, 'utf8')).toContain(`'./${kind}.ts'`)
  expect(readFileSync(golden(kind, 'converged'), 'utf8')).toMatch(/^verdict:\n {2}converged$/m)
})
