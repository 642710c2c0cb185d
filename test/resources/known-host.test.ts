import { hostKeysOf, knownHost } from '../../src/resources/index.ts'
import { cases, gone, shown } from './golden.ts'

const name = 'ssh-gw.guest.internal'
const resource = knownHost('/etc/reverse-tunnel/known_hosts', { name, keys: hostKeysOf(name) })
const E = 'ssh-ed25519 AAAAC3NzEeee'
const R = 'ssh-rsa AAAAB3NzRrrr'
const certified = knownHost('/etc/reverse-tunnel/known_hosts', { name, keys: hostKeysOf(name), authorities: [E] })
const seen = shown({ [`${name} host keys`]: `${E}\n${R}\n` })
const file = (...lines: string[]) => `file 644 root root\n${lines.map((line) => `${line}\n`).join('')}`

cases('known-host', {
  converged: { resource, now: file(`${name} ${E}`, `${name} ${R}`), seen },
  'converged-in-any-order': { resource, now: file(`${name} ${R}`, '# words', `${name} ${E}`), seen },
  absent: { resource, now: 'absent\n', seen },
  'changed-key': { resource, now: file(`${name} ssh-ed25519 AAAAold`, `other.internal ${R}`), seen },
  'name-that-only-begins-alike': { resource, now: file(`${name}.org ${E}`, `${name}.org ${R}`), seen },
  'with-an-authority': { resource: certified, now: file(`${name} ${E}`, `other.internal ${R}`), seen },
  'with-an-authority-converged': {
    resource: certified,
    now: file(`${name} ${R}`, `@cert-authority ${name} ${E}`, `${name} ${E}`),
    seen,
  },
  'whose-authority-is-gone': {
    resource,
    now: file(`@cert-authority ${name} ${E}`, `${name} ${E}`, `${name} ${R}`, `@cert-authority other.internal ${E}`),
    seen,
  },
  'other-owner': { resource, now: `file 600 user001 root\n${name} ${E}\n${name} ${R}\n`, seen },
  'symlink-refused': { resource, now: 'other symbolic link\n', seen },
  later: { resource, now: file(`${name} ${E}`) },
  'of-a-gone-host': { resource, now: file(`${name} ${E}`), seen: gone(name) },
  'of-a-gone-host-whose-name-ends-another': { resource, now: file(`my-${name} ${E}`), seen: gone(name) },
  'of-a-gone-host-never-seen': { resource, now: 'absent\n', seen: gone(name) },
})
