import { describe, expect, test } from 'vitest'
import { copyingOf, parsePlace } from '../../src/remote/place.ts'

describe('a place', () => {
  test.each([
    ['pi1:/etc/motd', { host: 'pi1', path: '/etc/motd' }],
    ['pi1:', { host: 'pi1', path: '' }],
    ['sensor*:a:b', { host: 'sensor*', path: 'a:b' }],
    ['motd', { path: 'motd' }],
    ['./a:b', { path: './a:b' }],
    ['/tmp/a:b', { path: '/tmp/a:b' }],
    [':x', { path: ':x' }],
  ])('%s', (text, place) => {
    expect(parsePlace(text)).toEqual(place)
  })
})

describe('a copy', () => {
  test('goes to one host or to several, or comes from one', () => {
    expect(copyingOf(['motd', 'pi1:/etc', 'pi2:'])).toEqual({
      kind: 'to',
      file: 'motd',
      places: [
        { host: 'pi1', path: '/etc' },
        { host: 'pi2', path: '' },
      ],
    })
    expect(copyingOf(['pi1:/etc/motd', '.'])).toEqual({ kind: 'from', host: 'pi1', path: '/etc/motd', file: '.' })
  })

  test.each([
    [['motd'], 'expected a file, and where it is to go'],
    [['motd', 'other'], 'neither side is on a host'],
    [['motd', 'pi1:', 'other'], 'neither side is on a host'],
    [['pi1:motd', 'pi2:motd'], 'a file from a host goes to one place on this machine'],
    [['pi1:motd', 'a', 'b'], 'a file from a host goes to one place on this machine'],
    [['pi1:', 'a'], 'pi1: has no path'],
    [['a\nb', 'pi1:'], 'a path with a line end'],
  ])('%j is none', (words, message) => {
    expect(() => copyingOf(words)).toThrow(message)
  })
})
