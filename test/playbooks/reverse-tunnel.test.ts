import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import reverseTunnel from '../../playbooks/reverse-tunnel.ts'
import type { Inventory } from '../../src/inventory/model.ts'
import { parse } from '../inventory/parse.ts'
import { asked, example, keysMade } from './ask.ts'

test.each(['guest-lan', 'fleet', 'printer', 'accounts', 'smallest'])('%s.json', async (name) => {
  const text = asked(reverseTunnel, await example(`${name}.json`))
  await expect(text).toMatchFileSnapshot(`../golden/playbooks/reverse-tunnel-${name}.golden`)
})

const one = (device: object, gateway: object = {}): Inventory =>
  parse(
    JSON.stringify({
      gateways: { gw: gateway },
      devices: { pi: { forwards: ['127.0.0.1:9022:localhost:22'], ...device } },
    }),
  )
const wanted = (inventory: Inventory) => asked(reverseTunnel, inventory)
const ids = (inventory: Inventory) =>
  reverseTunnel(inventory).map((step) =>
    step.kind === 'wanted'
      ? [...step.hosts].map(([host, all]) => `${host}: ${all.map(({ id }) => id).join(', ')}`)
      : 'verify',
  )

describe('the order', () => {
  test('is keys, then gateways, then tunnels, then the proof', () => {
    expect(ids(one({}))).toMatchInlineSnapshot(`
      [
        [
          "gw: ",
          "pi: ",
        ],
        [
          "gw: sshd-settings 00-provision",
          "pi: sshd-settings 00-provision",
        ],
        [
          "pi: account reverse-tunnel, key-pair /etc/reverse-tunnel/id_ed25519",
        ],
        [
          "gw: host keys, account tunnel, authorized-keys tunnel, sshd-settings 00-reverse-tunnel",
        ],
        [
          "pi: known-host gw in /etc/reverse-tunnel/known_hosts, systemd-unit reverse-tunnel-gw.service",
        ],
        "verify",
      ]
    `)
  })

  test('has no gateway that nobody dials, and no device without a door', () => {
    const inventory = parse(
      `{ "gateways": { "gw": {}, "idle": {} }, "devices": { "pi": { "forwards": [{ "gateway": "gw", "port": 9022, "host": "localhost", "hostPort": 22 }] }, "plain": {} } }`,
    )
    const [, , ...tunnels] = ids(inventory)
    expect(JSON.stringify(tunnels)).not.toMatch(/idle|plain/)
  })

  test('asks each id of a host once in a step', async () => {
    for (const name of ['guest-lan', 'fleet', 'printer', 'accounts', 'smallest']) {
      for (const step of reverseTunnel(await example(`${name}.json`))) {
        if (step.kind === 'checked') continue
        for (const resources of step.hosts.values()) {
          expect(new Set(resources.map(({ id }) => id)).size).toBe(resources.length)
        }
      }
    }
  })
})

test('autossh is installed where it is to keep the tunnel alive, and nowhere else', () => {
  expect(wanted(one({ supervisor: 'autossh' }))).toMatch(
    /package autossh: install[\s\S]*ExecStart=\/usr\/bin\/autossh -M 0 -N/,
  )
  expect(wanted(one({}))).not.toContain('autossh')
})

test('a door for strangers opens GatewayPorts on its gateway, and no other door does', () => {
  const strangers = { forwards: [{ bindAddress: '*', port: 9025, host: 'localhost', hostPort: 22, expose: true }] }
  expect(wanted(one(strangers))).toContain('GatewayPorts clientspecified')
  expect(wanted(one({}))).toContain('GatewayPorts no')
})

test('what a key may listen on is word for word what its device asks for', async () => {
  for (const name of ['guest-lan', 'fleet', 'printer']) {
    const text = wanted(await example(`${name}.json`))
    const allowed = [...text.matchAll(/permitlisten="([^"]+)"/g)].map(([, address]) => address).sort()
    const asks = [...text.matchAll(/-R (\S+):(?:\[[^\]]*\]|[^:[\]\s]+):\d+ /g)].map(([, address]) => address).sort()
    expect(allowed.length).toBeGreaterThan(0)
    expect(asks).toEqual(allowed)
  }
})

test('no key of a device is in what another device is told', async () => {
  const steps = reverseTunnel(await example('fleet.json'))
  const last = steps.filter((step) => step.kind === 'wanted').at(-1)
  const told = [...(last?.hosts ?? [])].flatMap(([, all]) =>
    all.map((each) => JSON.stringify(each.diff('absent\n', keysMade)) + each.inspect.text),
  )
  expect(told.join('')).not.toContain('Iof-')
})

test('until the device has made its key, the gateway waits', () => {
  const gateway = reverseTunnel(one({})).flatMap((step) => (step.kind === 'wanted' ? (step.hosts.get('gw') ?? []) : []))
  const keys = gateway.find(({ id }) => id === 'authorized-keys tunnel')
  expect(keys?.diff('absent\n', { of: () => undefined, gone: () => false })).toBe('later')
})

test.each(['guest-lan', 'fleet', 'printer'])('systemd has nothing against the units of %s.json', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'provision-units-'))
  try {
    const files = reverseTunnel(await example(`${name}.json`)).flatMap((step) =>
      step.kind === 'checked'
        ? []
        : [...step.hosts].flatMap(([host, all]) =>
            all.flatMap((each) => {
              const verdict = each.id.startsWith('systemd-unit ') && each.diff('disabled\nstopped\nabsent\n', keysMade)
              if (typeof verdict !== 'object' || 'refused' in verdict) return []
              const file = join(folder, `${host}-${each.id.split(' ')[1]}`)
              writeFileSync(file, verdict.text?.wanted.replace('/usr/bin/ssh ', '/bin/true ') ?? '')
              return [file]
            }),
          ),
    )
    expect(files.length).toBeGreaterThan(0)
    const said = execFileSync('sh', [
      '-c',
      'systemd-analyze verify --recursive-errors=no "$@" 2>&1 || :',
      'sh',
      ...files,
    ]).toString()
    expect(said.split('\n').filter((line) => line.includes(folder))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
