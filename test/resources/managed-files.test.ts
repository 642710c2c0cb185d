import { managedFiles } from '../../src/resources/index.ts'
import { cases, gone } from './golden.ts'

const folder = '/etc/ssh/reverse-tunnel/keys'
const resource = managedFiles(folder, [
  { name: 'tunnel-a', content: 'key of a\n' },
  { name: 'tunnel-b', content: (seen) => seen.of('b', 'key') ?? undefined, host: 'b' },
])
const file = (name: string, rights = '644:root:root', type = 'f') => `@file ${name} ${type} ${rights}\n`
const line = (name: string, text: string) => `@line ${name}:${text}\n`

cases('managed-files', {
  converged: {
    resource: managedFiles(folder, [{ name: 'tunnel-a', content: 'key of a\nand:more\n' }]),
    now: file('tunnel-a') + line('tunnel-a', 'key of a') + line('tunnel-a', 'and:more'),
  },
  'absent-folder': { resource: managedFiles(folder, [{ name: 'tunnel-a', content: "it's\n" }]), now: '' },
  'what-may-go-is-removed-and-no-other': {
    resource: managedFiles(folder, [], { goes: ({ content }) => content.endsWith('provision k7w2m9qd old\n') }),
    now:
      file('tunnel-old') +
      line('tunnel-old', 'its key provision k7w2m9qd old') +
      file('by-hand') +
      line('by-hand', 'somebody'),
  },
  'others-stay': {
    resource: managedFiles(folder, [{ name: 'tunnel-a', content: 'key of a\n' }]),
    now: file('tunnel-a') + line('tunnel-a', 'key of a') + file('by-hand') + line('by-hand', 'somebody'),
  },
  'other-rights': {
    resource: managedFiles(folder, [{ name: 'tunnel-a', content: 'key of a\n' }]),
    now: file('tunnel-a', '666:root:root') + line('tunnel-a', 'key of a'),
  },
  'of-a-gone-host-stays': {
    resource,
    now: file('tunnel-b') + line('tunnel-b', 'key of b'),
    seen: gone('b'),
  },
  later: { resource, now: '' },
  'symlink-refused': {
    resource: managedFiles(folder, [{ name: 'tunnel-a', content: 'x\n' }]),
    now: file('tunnel-a', '777:root:root', 'l'),
  },
})
