import { precondition } from '../../src/resources/precondition.ts'
import { cases, gone } from './golden.ts'

const resource = precondition('removal of pi', (seen) =>
  seen.gone('pi') ? { refused: 'pi cannot be reached', hint: 'run again' } : undefined,
)

cases('precondition', {
  converged: { resource, now: '' },
  refused: { resource, now: '', seen: gone('pi') },
})
