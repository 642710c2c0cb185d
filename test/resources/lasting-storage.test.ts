import { expect, test } from 'vitest'
import { lastingStorage } from '../../src/resources/index.ts'
import { cases, nothing } from './golden.ts'

const types = (root: string, undo = '/var/lib ext2/ext3') => `/ ${root}\n/etc ${root}\n${undo}\n`

cases('lasting-storage', {
  converged: { resource: lastingStorage, now: types('ext2/ext3') },
  'a-container': { resource: lastingStorage, now: types('overlayfs') },
  'a-container-over-a-disk-that-it-sees': { resource: lastingStorage, now: `${types('overlayfs')}upper ext2/ext3\n` },
  'overlay-root': { resource: lastingStorage, now: `${types('overlayfs')}cmdline overlayroot=tmpfs\n` },
  'overlay-root-in-memory': { resource: lastingStorage, now: `${types('overlayfs')}upper tmpfs\n` },
  'root-in-memory': { resource: lastingStorage, now: types('tmpfs') },
  'undo-in-memory': { resource: lastingStorage, now: types('ext2/ext3', '/var/lib/provision tmpfs') },
})

test('the words of the kernel say nothing where the root is no overlay', () => {
  const now = `${types('ext2/ext3')}cmdline overlayroot=tmpfs\n`
  expect(lastingStorage.diff(now, nothing)).toBe('converged')
})
