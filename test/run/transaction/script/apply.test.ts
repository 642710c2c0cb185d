import { describe, expect, test } from 'vitest'
import type { Change } from '../../../../src/resources/resource.ts'
import { applyScript } from '../../../../src/run/transaction/script.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { fileIn } from '../host.ts'
import { thing } from './thing.ts'

describe('what an apply is made of', () => {
  const body = (text: string) => fileIn(text, 'plan.sh')
  const change = (more: Partial<Change>): Change => ({ summary: '', saves: [], commit: sh`:`, ...more })
  const plan = (changes: readonly Change[]) => {
    const all = changes.map((_, index) => thing(`r${index}`))
    const made = all.map((resource, at) => ({ resource, change: changes[at] as Change, digest: `${at}` }))
    return body(applyScript({ id: 'i', who: 'w', confirmWithinSeconds: 9, resources: all, changes: made }))
  }

  test('equal activations run once, at the place of the last one, and equal undos once, last first', () => {
    const live = sh`reload`
    const text = plan([
      change({ activate: live, undo: live }),
      change({ activate: sh`start`, undo: sh`stop` }),
      change({ activate: live, undo: live }),
      change({}),
    ])
    expect(text).toMatch(/^activations='1 2'$/m)
    expect(text).toMatch(/^undos='2 1'$/m)
    expect(text).toMatch(/^changes='0 1 2 3'$/m)
  })

  test('a path that two changes touch is saved once, at its first place', () => {
    expect(plan([change({ saves: ['/etc', '/etc/a'] }), change({ saves: ['/etc', '/etc/b'] })])).toContain(
      "printf '%s\\n' /etc /etc/a /etc/b\n",
    )
  })

  test('changes keep the numbers of their resources, and all resources are looked at again', () => {
    const [a, b] = [thing('a'), thing('b')]
    const text = body(
      applyScript({
        id: 'i',
        who: 'w',
        confirmWithinSeconds: 9,
        resources: [a, b],
        changes: [{ resource: b, change: change({}), digest: 'x' }],
      }),
    )
    expect(text).toMatch(/^changes=1$/m)
    expect(text).toMatch(/^inspects='0 1'$/m)
    expect(text).toMatch(/^expect_1=x$/m)
  })
})
