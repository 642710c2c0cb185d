import { expect, test } from 'vitest'
import type { Gateway } from '../../../src/inventory/model.ts'
import { on } from '../../../src/playbook/playbook.ts'
import type { Resource } from '../../../src/resources/resource.ts'
import { plan } from '../../../src/run/plan/plan.ts'
import { sh } from '../../../src/shell/sh.ts'

const change = { summary: 'write', saves: [], commit: sh`:` }
const resource = (id: string): Resource => ({
  id,
  inspect: sh`cat ${id}`,
  diff: (now, seen) => {
    if (now === 'ok') return 'converged'
    if (now === 'late') return seen.of('gw', 'key') ? change : 'later'
    return now === 'link' ? { refused: 'is a link', hint: 'move it' } : change
  },
})
const shown = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([id, text]) => [id, { text, digest: `digest of ${text}` }]))
const nobody = { of: () => undefined, gone: () => false, failed: () => false }
const all = ['a', 'b', 'c', 'd'].map(resource)

test('each resource is changed, left alone, put off or refused, in the order of the playbook', () => {
  const found = plan(all, shown({ a: 'old', b: 'ok', c: 'late', d: 'link' }), nobody)
  expect(found.changes).toEqual([{ resource: all[0], change, digest: 'digest of old' }])
  expect(found.later).toEqual([all[2]])
  expect(found.refused).toEqual([{ resource: all[3], refused: { refused: 'is a link', hint: 'move it' } }])
})

test('a host that is as wanted has nothing to do', () => {
  expect(plan(all, shown({ a: 'ok', b: 'ok', c: 'ok', d: 'ok' }), nobody)).toEqual({
    changes: [],
    later: [],
    refused: [],
  })
})

test('what showed nothing is refused, never guessed at', () => {
  const { refused, changes } = plan(all.slice(0, 1), new Map(), nobody)
  expect([refused.map((each) => each.refused.refused), changes]).toEqual([['the host showed nothing for it'], []])
})

test('what was put off is planned once another host has shown what it needs', () => {
  const { changes, later } = plan(all.slice(2, 3), shown({ c: 'late' }), { ...nobody, of: () => 'ssh-ed25519 AAAA' })
  expect([changes.length, later]).toEqual([1, []])
})

test('facts are looked at once, before those that ask for them, and found as this host showed them', () => {
  const fact: Resource = { ...resource('fact'), diff: () => 'converged' }
  const asking = (id: string): Resource => ({
    ...resource(id),
    facts: [fact],
    diff: (_, seen) => (seen.here?.('fact') === 'yes' ? change : { refused: 'no' }),
  })
  const [a, b] = [asking('a'), asking('b')]
  const step = on([{ name: 'gw' }, { name: 'pi' }] as unknown as readonly Gateway[], () => [a, b, fact])
  expect([...step.hosts.values()]).toEqual([
    [a, b, fact],
    [a, b, fact],
  ])
  const [resources = []] = on([{ name: 'gw' }] as unknown as readonly Gateway[], () => [a, b]).hosts.values()
  expect(resources).toEqual([fact, a, b])
  expect(plan(resources, shown({ fact: 'yes', a: '', b: '' }), nobody).changes).toHaveLength(2)
  expect(plan(resources, shown({ fact: 'no', a: '', b: '' }), nobody).refused).toHaveLength(2)
})
