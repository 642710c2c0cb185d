import { expect, test } from 'vitest'
import { serviceText } from '../../../src/watch/service/unit.ts'

const wish = {
  ...{ id: 'k7w2m9qd', mark: { inventory: 'k7w2m9qd' }, words: ['--every', '60s'] },
  ...{ node: '/usr/bin/node', program: '/usr/lib/provision/bin/provision.js' },
  ...{ inventory: '/etc/provision/inventory.json', reads: ['/usr/bin/node', '/usr/lib/provision', '/etc/provision'] },
}
const line = (text: string, key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]

test('it is marked, has its key from systemd, and sees nothing of anybody', () => {
  const text = serviceText(wish)
  expect(text.startsWith('# provision k7w2m9qd\n')).toBe(true)
  const [command, key] = line(text, 'ExecStart')?.split(' --key ') ?? []
  expect(command).toBe(
    '/usr/bin/node /usr/lib/provision/bin/provision.js watch /etc/provision/inventory.json --state /var/lib/provision-watch-k7w2m9qd --every 60s',
  )
  expect(key).toMatch(/^\$\{CREDENTIALS_DIRECTORY\}\/key$/)
  expect(line(text, 'LoadCredential')).toBe('key:/etc/provision-watch/k7w2m9qd/key')
  expect(line(text, 'BindReadOnlyPaths')).toBeUndefined()
})

test('what is in a home is shown to it, and only that; paths are what they are', () => {
  const inventory = '/home/al ice/50% "x"/$HOME.json'
  const text = serviceText({ ...wish, inventory, reads: [...wish.reads, '/home/al ice/50% "x"'] })
  expect(line(text, 'ExecStart')).toContain(' watch "/home/al ice/50%% \\"x\\"/$$HOME.json" ')
  expect(line(text, 'BindReadOnlyPaths')).toBe('"/home/al ice/50%% \\"x\\""')
})

test('a long identity makes no account that is too long', () => {
  expect(line(serviceText({ ...wish, id: 'a'.repeat(32) }), 'User')?.length).toBeLessThanOrEqual(32)
})
