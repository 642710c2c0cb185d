import { unitsRead } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const resource = unitsRead('reverse-tunnel-')

cases('units-read', {
  converged: { resource, now: '' },
  'changed-and-not-read': { resource, now: '@unread reverse-tunnel-a.service\n@unread reverse-tunnel-b.socket\n' },
})
