import { describe, expect, test } from 'vitest'
import { managedFile } from '../../../../src/resources/index.ts'
import type { Change } from '../../../../src/resources/resource.ts'
import { applyScript } from '../../../../src/run/transaction/script.ts'
import { sh } from '../../../../src/shell/sh.ts'
import { planned, thing } from './thing.ts'

describe('what an apply is made of', () => {
  const body = (text: string) => /<<'END_OF_plan_sh_*'\n([\s\S]*?)END_OF_plan_sh_*\n/.exec(text)?.[1] ?? ''
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

  test('a file that holds the end mark of its own here-document gets another mark', () => {
    const resource = managedFile('/etc/x', { content: 'END_OF_plan_sh\nEND_OF_plan_sh_\n' })
    const text = applyScript({
      id: 'i',
      who: 'w',
      confirmWithinSeconds: 9,
      resources: [resource],
      changes: [planned(resource, 'absent\n')],
    })
    expect(text).toContain("<<'END_OF_plan_sh__'\n")
    expect(text.match(/^END_OF_plan_sh__$/gm)).toHaveLength(1)
  })
})
