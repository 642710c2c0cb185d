import { expect, test } from 'vitest'
import { healthy } from './chain.ts'
import { judged } from './links/case.ts'

test.each(['socket', 'sshd'] as const)('a tunnel that works is ok at every link, with listener %s', (listener) => {
  const links = judged(healthy(listener))
  expect(links.filter(({ state }) => state !== 'ok')).toEqual([])
  expect(links.map(({ link }) => link)).toMatchInlineSnapshot(`
    [
      "gateway",
      "device",
      "name",
      "route",
      "firewall",
      "gateway sshd",
      "penalties",
      "gateway host key",
      "account",
      "key",
      "listener",
      "unit",
      "clock",
      "device sshd",
      "host key",
      "forward",
      "login",
    ]
  `)
})

test('what machines said controls no terminal, and no shell of who copies it', () => {
  const chain = healthy()
  chain.device.set('host-keys', '0 /etc/\u001b[2Jx;reboot\n')
  expect(judged(chain).at(-1)?.mend).toMatch(/^on dev: rm '\/etc\/\[2Jx;reboot'; ssh-keygen -A/)
  chain.device.set('host-keys', '').set('sshd-test', 'x.conf: \u001b[2Jbad\u0007\n')
  expect(judged(chain).at(-1)?.says).toBe('the sshd of dev could not start again: x.conf: [2Jbad')
})
