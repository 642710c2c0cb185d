import { expect, test } from 'vitest'
import type { Device, Gateway, Inventory } from '../../src/inventory/model.ts'
import { labId, planLab } from '../../src/lab/plan.ts'

const login = { user: 'pi', sudo: true }
const common = { hostKeys: [], accounts: [], login, profile: 'compatible', passwordLogin: true } as const
const gateway = (more: Partial<Gateway> = {}): Gateway => ({
  ...common,
  ...{ role: 'gateway', name: 'ssh-gw.example.jp', tunnelAccount: 'tunnel' },
  dial: { address: 'ssh-gw.example.jp', port: 22 },
  ...more,
})
const device = (more: Partial<Device> = {}): Device => ({
  ...common,
  ...{ role: 'device', name: 'sshd001.internal', forwards: [] },
  ...{ via: ['direct'], supervisor: 'systemd' },
  ...more,
})
const inventory = (more: Partial<Inventory> = {}): Inventory => ({
  ...{ file: 'a/inventory.json', directory: '/srv/a', gateways: [gateway()], devices: [device()] },
  clients: [{ name: 'mobile001.internal' }],
  groups: [],
  ...more,
})

test('gateways and clients stand in the guest network, devices in the LAN', () => {
  const sides = planLab(inventory()).machines.map(({ name, role, side, user }) => [name, role, side, user])
  expect(sides).toEqual([
    ['ssh-gw.example.jp', 'gateway', 'guest', 'pi'],
    ['sshd001.internal', 'device', 'lan', 'pi'],
    ['mobile001.internal', 'client', 'guest', 'user001'],
  ])
})

test('one inventory file is one lab, however it is named', () => {
  expect(labId(inventory())).toBe(labId(inventory({ file: 'inventory.json' })))
  expect(labId(inventory())).not.toBe(labId(inventory({ directory: '/srv/b' })))
})

test('an address that is a name is known to everybody, a number is answered at', () => {
  const { hosts, machines } = planLab(
    inventory({
      gateways: [gateway({ address: 'gw.lan', dial: { address: '203.0.113.5', port: 2222 } })],
      devices: [device({ address: '2001:db8::7', port: 2022 })],
    }),
  )
  expect(hosts).toContain('10.77.1.1 ssh-gw.example.jp gw.lan\n')
  expect(machines.map(({ literals, ports }) => [literals, ports])).toEqual([
    [['203.0.113.5'], [22, 2222]],
    [['2001:db8::7'], [2022]],
    [[], [22]],
  ])
})

test('no machine is given an address that the inventory gave to another', () => {
  const { machines } = planLab(inventory({ devices: [device(), device({ name: 'b', address: '10.78.1.1' })] }))
  expect(machines.map(({ address }) => address)).toEqual(['10.77.1.1', '10.78.1.2', '10.78.1.3', '10.77.1.2'])
})

test('two machines at one address cannot be played', () => {
  const both = inventory({ devices: [device({ address: '192.0.2.1' }), device({ name: 'b', address: '192.0.2.1' })] })
  expect(() => planLab(both)).toThrow('sshd001.internal and b share the address 192.0.2.1')
})

test('three hundred devices find a place', () => {
  const devices = Array.from({ length: 300 }, (_, n) => device({ name: `pi-${n}` }))
  const addresses = planLab(inventory({ devices })).machines.map(({ address }) => address)
  expect(new Set(addresses).size).toBe(302)
  expect(addresses).toContain('10.78.2.50')
})

test('a release can be chosen for one machine', () => {
  const { machines } = planLab(inventory(), { suite: { 'sshd001.internal': 'bookworm' } })
  expect(machines.map(({ suite }) => suite)).toEqual(['trixie', 'bookworm', 'trixie'])
})
