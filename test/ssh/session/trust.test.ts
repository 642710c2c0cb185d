import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { trustCommand, trustHosts } from '../../../src/commands/trust.ts'
import type { Device, Inventory } from '../../../src/inventory/model.ts'
import { fingerprintOf, openPins } from '../../../src/ssh/host-keys/pins.ts'
import { reachContext } from '../../../src/ssh/reach/reach.ts'
import { host, type Lab, lab, type Sshd, transports } from './fixture.ts'

describe.each(transports)('over %s', (transport) => {
  let it: Lab
  let gateway: Sshd
  let device: Sshd
  beforeAll(async () => {
    it = lab(transport)
    gateway = await it.sshd({ hostKeys: ['rsa', 'ed25519'] })
    device = await it.sshd({ hostKeys: ['rsa'] })
  })
  afterAll(() => it.end())
  beforeEach(() => rmSync(it.knownHosts, { force: true }))

  function inventory(): Inventory {
    const gw = host(it, gateway, { name: 'ssh-gw', pins: [] })
    const { dial: _d, tunnelAccount: _t, ...bare } = host(it, { port: 1 }, { name: 'host-a' })
    const forward = {
      device: 'host-a',
      gateway: 'ssh-gw',
      bindAddress: '127.0.0.1',
      port: device.port,
      host: 'localhost',
      hostPort: 22,
    }
    const forwards = [{ ...forward, listener: 'sshd', expose: false }] as const
    const hostA: Device = { ...bare, role: 'device', forwards, via: ['direct', 'forward'], supervisor: 'systemd' }
    return { file: 'inventory.json', directory: it.folder, gateways: [gw], devices: [hostA], clients: [], groups: [] }
  }

  async function run(answer: boolean, acceptNew: readonly string[] = []) {
    const context = reachContext(inventory(), { wire: it.wire() })
    const printed: string[] = []
    const asked: string[] = []
    const pins = openPins({ file: it.knownHosts, onUnknown: async () => true, acceptNew: new Set(acceptNew) })
    const io = {
      context,
      pins,
      print: (line: string) => printed.push(line),
      ask: async (text: string) => asked.push(text) > 0 && answer,
    }
    try {
      const error = await trustHosts(inventory(), io).then(
        () => undefined,
        (error: Error) => error,
      )
      return { printed, asked, error }
    } finally {
      context.closeAll()
    }
  }

  const key = (sshd: Sshd, index: number) => sshd.hostKeys[index] ?? ''

  describe('trust', () => {
    test('shows new keys, asks, and pins; a device only seen through its forward too', async () => {
      const first = await run(true)
      expect(first).toEqual({
        printed: [
          `ssh-gw  ssh-ed25519  ${fingerprintOf(key(gateway, 1))}  new`,
          `host-a  ssh-rsa  ${fingerprintOf(key(device, 0))}  new`,
        ],
        asked: ['pin this new key? [y/N] ', 'pin this new key? [y/N] '],
        error: undefined,
      })
      expect(readFileSync(it.knownHosts, 'utf8')).toBe(`ssh-gw ${key(gateway, 1)}\nhost-a ${key(device, 0)}\n`)
      const again = await run(true)
      expect(again.printed.map((line) => line.split('  ').at(-1))).toEqual(['known', 'known'])
      expect(again.asked).toEqual([])
    })

    test('pins nothing after a no, and logs in nowhere', async () => {
      const { error } = await run(false)
      expect(error).toMatchObject({
        kind: 'unknown-host-key',
        message: 'ssh-gw: its host key was not pinned (and 1 more)',
      })
      expect(() => readFileSync(it.knownHosts)).toThrow()
    })

    test('never takes a changed key but by name', async () => {
      const stranger = readFileSync(`${it.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
      writeFileSync(it.knownHosts, `ssh-gw ${stranger}\nhost-a ${key(device, 0)}\n`)
      const refused = await run(true)
      expect(refused.printed[0]).toBe(`ssh-gw  ssh-ed25519  ${fingerprintOf(key(gateway, 1))}  CHANGED`)
      expect(refused.error).toMatchObject({ kind: 'changed-host-key' })
      expect(readFileSync(it.knownHosts, 'utf8')).toContain(stranger)
      const accepted = await run(true, ['ssh-gw'])
      expect(accepted.error).toBeUndefined()
      expect(readFileSync(it.knownHosts, 'utf8')).toBe(`host-a ${key(device, 0)}\nssh-gw ${key(gateway, 1)}\n`)
    })

    test('is quiet about what ssh-keygen finds just as well', async () => {
      await run(true)
      const found = spawnSync('ssh-keygen', ['-F', 'host-a', '-f', it.knownHosts]).stdout.toString()
      expect(found).toContain(key(device, 0))
    })

    test('without a terminal and without --yes refuses before it contacts anybody', async () => {
      if (process.stdin.isTTY) return
      const words = {
        inventory: '/nowhere.json',
        yes: false,
        acceptNewHostKey: undefined,
        timeout: 1,
        forks: 1,
        _: [],
        $0: 'provision',
      }
      await expect((async () => trustCommand.handler(words))()).rejects.toMatchObject({
        name: 'InventoryError',
        hint: expect.stringContaining('--yes'),
      })
    })
  })
})
