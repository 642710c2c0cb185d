import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
    step.kind === 'apply'
      ? [...step.hosts].map(([host, all]) => `${host}: ${all.map(({ id }) => id).join(', ')}`)
      : 'verify',
  )

describe('the order', () => {
  test('is keys, then gateways, then tunnels, then the proof', () => {
    expect(ids(one({}))).toMatchInlineSnapshot(`
      [
        [
          "gw: running sshd, host keys, next host keys, switch of host keys, file /etc/ssh/reverse-tunnel/retired",
        ],
        [
          "pi: running sshd, keys of people who left, sshd-settings 00-provision, versions, programs /usr/bin/ssh, ssh-keygen, account reverse-tunnel, key-pair /etc/reverse-tunnel/id_ed25519, key-pair /etc/reverse-tunnel/id_ed25519.next, move to the next key, known-host gw in /etc/reverse-tunnel/known_hosts",
        ],
        [
          "gw: running sshd, keys of people who left, sshd-settings 00-provision, versions, host keys, next host keys, held forwards, ports, enrolments, accounts tunnel-*, files in /etc/ssh/reverse-tunnel/keys, file /etc/tmpfiles.d/reverse-tunnel.conf, folders in /run/reverse-tunnel, sshd-settings 00-reverse-tunnel, ports held by sshd, systemd-units reverse-tunnel-*, file /etc/ssh/reverse-tunnel/authorized_keys, sshd-settings 00-reverse-tunnel-shared, units reverse-tunnel-* as systemd has read them, file /etc/ssh/reverse-tunnel/retired, switch of host keys",
        ],
        [
          "pi: key-pair /etc/reverse-tunnel/id_ed25519, key-pair /etc/reverse-tunnel/id_ed25519.next, move to the next key, known-host gw in /etc/reverse-tunnel/known_hosts, file /etc/reverse-tunnel/check, systemd-units reverse-tunnel-*, units reverse-tunnel-* as systemd has read them",
        ],
        "verify",
        [
          "pi: systemd-units reverse-tunnel-*",
        ],
        [
          "gw: running sshd, held forwards, accounts tunnel-*, files in /etc/ssh/reverse-tunnel/keys, file /etc/tmpfiles.d/reverse-tunnel.conf, folders in /run/reverse-tunnel, sshd-settings 00-reverse-tunnel, ports held by sshd, systemd-units reverse-tunnel-*, file /etc/ssh/reverse-tunnel/authorized_keys, sshd-settings 00-reverse-tunnel-shared, file /etc/ssh/reverse-tunnel/retired",
        ],
        [
          "pi: recovery through gw",
        ],
        "verify",
        "verify",
        "verify",
        "verify",
        "verify",
      ]
    `)
  })

  test('has nothing to do on a gateway that nobody dials, and no device without a forward', () => {
    const inventory = parse(
      `{ "gateways": { "gw": {}, "idle": {} }, "devices": { "pi": { "forwards": [{ "gateway": "gw", "port": 9022, "host": "localhost", "hostPort": 22 }] }, "plain": {} } }`,
    )
    const [, ...steps] = ids(inventory)
    const tunnels = steps.filter((step) => !String(step).includes('sshd-settings 00-provision'))
    expect(JSON.stringify(tunnels)).not.toContain('plain')
    // It is looked at all the same, for it may hold a forward that a device has moved away from.
    const onIdle = wanted(inventory)
      .split(/^step /m)
      .filter((step) => /^\d+: idle$/m.test(step))
    expect(onIdle.length).toBeGreaterThan(2)
    for (const step of onIdle)
      expect(
        step
          .split('\n')
          .slice(1)
          .filter((row) => row !== '' && !row.endsWith(': converged')),
      ).toEqual([])
  })

  test('asks each id of a host once in a step', async () => {
    for (const name of ['guest-lan', 'fleet', 'printer', 'accounts', 'smallest']) {
      for (const step of reverseTunnel(await example(`${name}.json`))) {
        if (step.kind !== 'apply') continue
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
  expect(wanted(one({}))).not.toContain('bin/autossh')
})

test('a forward for strangers opens GatewayPorts where sshd owns the port, and no other forward does', () => {
  const strangers = { forwards: [{ bindAddress: '*', port: 9025, host: 'localhost', hostPort: 22, expose: true }] }
  expect(wanted(one(strangers, { listener: 'sshd' }))).toContain('GatewayPorts clientspecified')
  expect(wanted(one({}, { listener: 'sshd' }))).toContain('GatewayPorts no')
  expect(wanted(one(strangers))).toContain('GatewayPorts no')
  expect(wanted(one(strangers))).toContain('ListenStream=9025')
})

test('a port below 1024 is no trouble for systemd', () => {
  expect(wanted(one({ forwards: ['1022:localhost:22'] }))).toContain('ListenStream=127.0.0.1:1022')
})

describe('recoverWithin', () => {
  const sshd = { listener: 'sshd' }
  const interval = (text: string) => /ServerAliveInterval=(\d+)/.exec(text)?.[1]

  test('decides how often both sides ask', () => {
    expect(interval(wanted(one({})))).toBe('5')
    expect(interval(wanted(one({ recoverWithin: 60 })))).toBe('15')
    expect(wanted(one({ recoverWithin: 60 }, sshd))).toContain('ClientAliveInterval 15')
  })

  test('that cannot be met is refused with the reason', () => {
    expect(wanted(one({ recoverWithin: 3 }))).toMatch(
      /recovery through gw: refused, "recoverWithin": 3 cannot be met, \d+ s is the minimum/,
    )
  })

  test('of all devices that share an account the most demanding one counts', () => {
    const forwards = (port: number) => [`${port}:localhost:22`]
    const two = parse(
      JSON.stringify({
        gateways: { gw: sshd },
        devices: {
          a: { forwards: forwards(9001), recoverWithin: 100 },
          b: { forwards: forwards(9002), recoverWithin: 25 },
        },
      }),
    )
    expect(wanted(two)).toContain('ClientAliveInterval 5')
  })
})

test('where systemd looks for a device is word for word what the device asks for', async () => {
  for (const name of ['guest-lan', 'fleet', 'printer']) {
    const text = wanted(await example(`${name}.json`))
    const allowed = [...text.matchAll(/socket-proxyd \S+ \S+(\/s\/\S+)/g)].map(([, path]) => path).sort()
    const asks = [...text.matchAll(/-R (\S+):(?:\[[^\]]*\]|[^:[\]\s]+):\d+ /g)].map(([, path]) => path).sort()
    expect(allowed.length).toBeGreaterThan(0)
    expect(asks).toEqual(allowed)
  }
})

test('what a key may listen on is word for word what its device asks for', () => {
  const text = wanted(one({ forwards: ['127.0.0.1:9022:localhost:22', '[::1]:9024:[::1]:22'] }, { listener: 'sshd' }))
  const allowed = [...new Set([...text.matchAll(/permitlisten="([^"]+)"/g)].map(([, address]) => address))]
  const asks = [...text.matchAll(/-R (\S+):(?:\[[^\]]*\]|[^:[\]\s]+):\d+ /g)].map(([, address]) => address)
  expect(allowed).toEqual(['127.0.0.1:9022', '[::1]:9024'])
  expect(asks).toEqual(allowed)
})

test('no key of a device is in what another device is told', async () => {
  const inventory = await example('fleet.json')
  const steps = reverseTunnel(inventory).flatMap((step) => (step.kind === 'apply' ? [...step.hosts] : []))
  const devices = steps.filter(([host]) => inventory.devices.some(({ name }) => name === host))
  const told = devices.flatMap(([, all]) =>
    all.map((each) => JSON.stringify(each.diff('absent\n', keysMade)) + each.inspect.text),
  )
  expect(told.length).toBeGreaterThan(10)
  expect(told.join('')).not.toContain('Iof-')
})

test('until the device has made its key, the gateway waits', () => {
  const gateway = reverseTunnel(one({})).flatMap((step) => (step.kind === 'apply' ? (step.hosts.get('gw') ?? []) : []))
  const keys = gateway.find(({ id }) => id.startsWith('files in '))
  expect(keys?.diff('', { of: () => undefined, gone: () => false, failed: () => false })).toBe('later')
})

test.each(['guest-lan', 'fleet', 'printer'])('systemd has nothing against the units of %s.json', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'provision-units-'))
  try {
    const files = reverseTunnel(await example(`${name}.json`)).flatMap((step) =>
      step.kind !== 'apply'
        ? []
        : [...step.hosts].flatMap(([host, all]) =>
            all.flatMap((each) => {
              const verdict = each.id.startsWith('systemd-units ') && each.diff('', keysMade)
              if (typeof verdict !== 'object' || 'refused' in verdict) return []
              mkdirSync(join(folder, host), { recursive: true })
              return (verdict.text?.wanted ?? '')
                .split(/^# (?=\S+\.(?:service|socket|timer)$)/m)
                .filter(Boolean)
                .map((part) => {
                  const file = join(folder, host, part.slice(0, part.indexOf('\n')))
                  writeFileSync(
                    file,
                    part
                      .slice(part.indexOf('\n') + 1)
                      .replaceAll(/=\/(usr\/bin\/ssh|lib\/systemd\/\S+) /g, '=/bin/true '),
                  )
                  return file
                })
            }),
          ),
    )
    expect(files.length).toBeGreaterThan(0)
    const said = execFileSync('sh', [
      '-c',
      'for unit; do SYSTEMD_UNIT_PATH="$(dirname "$unit"):" systemd-analyze verify --recursive-errors=no "$unit" 2>&1 || :; done',
      'sh',
      ...files,
    ]).toString()
    expect(said.split('\n').filter((line) => line.includes(folder))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
