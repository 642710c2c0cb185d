import { programs } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const resource = programs(['/usr/bin/ssh', 'ssh-keygen'], 'install the OpenSSH client there')

cases('programs', {
  converged: { resource, now: '' },
  'one-missing-refused': { resource, now: 'missing ssh-keygen\n' },
  'both-missing-refused': { resource, now: 'missing /usr/bin/ssh\nmissing ssh-keygen\n' },
})
