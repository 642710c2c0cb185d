import { expect, test } from 'vitest'
import { shapeNamed } from '../../../src/commands/line/catalog.ts'
import { placed } from '../../../src/commands/line/places.ts'

// In this folder there are these files; the default inventory is DEFAULT.
const files = { default: () => 'DEFAULT', isFile: (word: string) => ['fleet', 'pi9', 'inventory.json'].includes(word) }

const meant = async (line: string) => {
  const [command = '', ...words] = line.split(' ')
  const { path, words: rest } = placed(words, await shapeNamed(command), files)
  return [path, ...rest].join(' ')
}

test.each([
  // Without an inventory it is the default one.
  ['verify', 'verify DEFAULT'],
  ['verify --limit pi1 --json', 'verify DEFAULT --limit pi1 --json'],
  ['verify -l pi1', 'verify DEFAULT -l pi1'],
  ['verify -vl pi1', 'verify DEFAULT -vl pi1'],
  ['apply -n', 'apply DEFAULT -n'],
  ['undo --check', 'undo DEFAULT --check'],
  ['add pi2 pi3', 'add DEFAULT pi2 pi3'],
  ['rename pi1 kitchen', 'rename DEFAULT pi1 kitchen'],
  ['restore-gateway vps', 'restore-gateway DEFAULT vps'],
  ['export --format ansible', 'export DEFAULT --format ansible'],
  ['lab up', 'lab up DEFAULT'],
  ['lab kill pi1', 'lab kill DEFAULT pi1'],
  ['lab run -- provision apply other.json', 'lab run DEFAULT -- provision apply other.json'],
  ['lab exec pi1 -- ls fleet', 'lab exec DEFAULT pi1 -- ls fleet'],

  // A device as a word of its own.
  ['doctor pi1', 'doctor DEFAULT --device pi1'],
  ['drill pi1 --yes', 'drill DEFAULT --device pi1 --yes'],
  ['remove --quiet pi1', 'remove DEFAULT --quiet --device pi1'],
  ['image pi1 --boot /media/bootfs', 'image DEFAULT --device pi1 --boot /media/bootfs'],
  ['rotate pi1 pi2', 'rotate DEFAULT --device pi1 --device pi2'],
  ['rotate', 'rotate DEFAULT'],

  // Beside an inventory, in both orders.
  ['doctor other.json pi1', 'doctor other.json --device pi1'],
  ['doctor pi1 other.json', 'doctor other.json --device pi1'],
  ['doctor fleet pi1', 'doctor fleet --device pi1'],
  ['doctor pi1 fleet', 'doctor fleet --device pi1'],
  ['rename pi1 kitchen fleet', 'rename fleet pi1 kitchen'],
  ['add fleet pi2', 'add fleet pi2'],
  ['lab kill sites/a pi1', 'lab kill sites/a pi1'],

  // As it always was.
  ['doctor other.json --device pi1', 'doctor other.json --device pi1'],
  ['doctor fleet --device=pi1', 'doctor fleet --device=pi1'],
  ['rotate fleet', 'rotate fleet'],
  ['lab reflash other.json pi1 --seed card', 'lab reflash other.json pi1 --seed card'],

  // A file that happens to be called like a device is none where the device has to stand.
  ['doctor pi9', 'doctor DEFAULT --device pi9'],
  // One word too many, and no file: who reads it says so.
  ['doctor nowhere pi1', 'doctor nowhere --device pi1'],
  ['verify nowhere', 'verify nowhere'],

  // Where there is no inventory to leave out.
  ['init site.json', 'init site.json'],
  ['init', 'init'],
  ['schema', 'schema'],
  ['import hosts.ini --device pi1', 'import hosts.ini --device pi1'],
  ['lab down --all', 'lab down --all'],
  ['report merge a.json b.json', 'report merge a.json b.json'],
])('provision %s means %s', async (line, told) => {
  expect(await meant(line)).toBe(told)
})
