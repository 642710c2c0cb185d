import { spareHostKey } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const E = '/etc/ssh/ssh_host_ed25519_key'
const R = '/etc/ssh/ssh_host_rsa_key'
const spare = 'ssh-ed25519 AAAAspare'

cases('spare-host-key', {
  converged: { resource: spareHostKey(spare), now: `@key ${E} ${spare}\n` },
  'of-a-gateway-installed-anew': {
    resource: spareHostKey(spare),
    now: `@key ${E} ssh-ed25519 AAAAfresh\n@key ${R} ssh-rsa AAAAfresh\n`,
  },
  'alone-already': { resource: spareHostKey(spare), now: `@key ${E} ssh-ed25519 AAAAfresh\n` },
  // A run that was cut, or somebody's ssh-keygen -A since.
  'beside-others': { resource: spareHostKey(spare), now: `@key ${E} ${spare}\n@key ${R} ssh-rsa AAAAfresh\n` },
  // What it proves now is gone in a moment.
  'unconfirmed-refused': { resource: spareHostKey(spare), now: `@unconfirmed\n@key ${E} ${spare}\n` },
  'no-ed25519': { resource: spareHostKey(spare), now: `@key ${R} ssh-rsa AAAAfresh\n` },
})
