import { describe, expect, test } from 'vitest'
import hardening from '../../playbooks/hardening.ts'
import { withoutMarkLine } from '../../src/resources/index.ts'
import type { Resource, Seen } from '../../src/resources/resource.ts'
import { publicKey as made, parse } from '../inventory/parse.ts'
import { here } from '../resources/sshd.ts'

const E = made('ssh-ed25519', Buffer.alloc(32, 7))
const C = made('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 7))
const rsa = (bits: number) => made('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(bits / 8 + 1, 7))
const R = rsa(3072)
const R2048 = rsa(2048)
const knownHosts = '/etc/reverse-tunnel/known_hosts'

const resourceOf = (text: string, name: string): Resource => {
  const wanted = hardening(parse(text)).flatMap((step) => (step.kind === 'apply' ? (step.hosts.get(name) ?? []) : []))
  const found = wanted.find(({ id }) => id === 'sshd-settings 00-provision')
  if (!found) throw new Error(`nothing is wanted of ${name}`)
  return found
}

const inventory = (more: string) =>
  `{ ${more}, "gateways": { "gw": {} }, "devices": { "pi": { "forwards": ["9022:localhost:22"] }, "plain": {} } }`

interface Shown {
  readonly version?: string
  readonly keys?: readonly string[]
  readonly ours?: string
  /** What the device knows the gateway by. */
  readonly device?: readonly string[]
}

/** The file that this host is to have; empty: none. */
function fileOf(text: string, name: string, { version = '10.0p2', keys = [E, C, R], ours, device = [] }: Shown = {}) {
  const seen: Seen = {
    gone: () => false,
    failed: () => false,
    here,
    of: (host, id) => {
      if (id === 'host keys') return `${keys.join('\n')}\n`
      const lines = device.map((key) => `gw ${key}\n`).join('')
      return host === 'pi' && id === `known-host gw in ${knownHosts}` ? `file 644 root root\n${lines}` : undefined
    },
    hostKey: () => ours,
  }
  const verdict = resourceOf(text, name).diff(`OpenSSH_${version}, OpenSSL 3\nvalid\nabsent\n`, seen)
  if (verdict === 'converged') return ''
  if (typeof verdict === 'string' || 'refused' in verdict) throw new Error(JSON.stringify(verdict))
  const file = verdict.text?.wanted ?? ''
  expect(file).toMatch(/^(# provision -\n|$)/)
  return withoutMarkLine(file)
}

const strict = inventory('"profile": "strict"')
const plain = inventory('"profile": "compatible"')

describe('whatever the profile', () => {
  test('a device takes those who come through its tunnel for no attackers, a gateway a site for no attacker', () => {
    expect(fileOf(plain, 'pi')).toBe('PerSourcePenaltyExemptList 127.0.0.1,::1\n')
    expect(fileOf(plain, 'gw')).toBe('PerSourcePenalties authfail:1 noauth:1 grace-exceeded:5 max:30 min:15\n')
    expect(fileOf(plain, 'gw', { version: '10.3p1' })).toMatch(/^PerSourcePenalties .* invaliduser:1\n$/)
  })

  test('an sshd without penalties is told nothing, nor one without tunnels', () => {
    expect(['gw', 'pi'].map((name) => fileOf(plain, name, { version: '9.2p1' }))).toEqual(['', ''])
    expect(fileOf(plain, 'plain')).toBe('')
  })
})

describe('a gateway that many dial', () => {
  const dialledBy = (count: number) => {
    const devices = Array.from({ length: count }, (_, at) => `"d${at}": { "forwards": ["${9100 + at}:localhost:22"] }`)
    return `{ "gateways": { "gw": {} }, "devices": { ${devices.join(', ')} } }`
  }

  test('lets all of them be under way, from one address, too, and as many others as a stock sshd', () => {
    expect(fileOf(dialledBy(500), 'gw').split('\n')).toEqual([
      'PerSourcePenalties authfail:1 noauth:0 grace-exceeded:5 max:30 min:15',
      'MaxStartups 520:30:1020',
      'PerSourceMaxStartups 510',
      '',
    ])
    expect(fileOf(dialledBy(9), 'gw')).toContain('\nMaxStartups 29:30:100\n')
    expect(fileOf(dialledBy(500), 'd0')).not.toContain('MaxStartups')
  })

  test('is left as it is where a stock sshd has room for all, and told no more than it knows', () => {
    expect(fileOf(dialledBy(8), 'gw')).not.toContain('MaxStartups')
    expect(fileOf(dialledBy(20), 'gw', { version: '8.4p1' })).toBe('MaxStartups 40:30:100\n')
  })
})

describe('strict', () => {
  test.each(['8.4p1', '9.2p1', '10.0p2'])('OpenSSH %s', async (version) => {
    await expect(fileOf(strict, 'gw', { version })).toMatchFileSnapshot(
      `../golden/playbooks/hardening-strict-${version}.golden`,
    )
  })

  test('a host’s own profile goes before the one at the top', () => {
    const own = strict.replace('"gw": {}', '"gw": { "profile": "compatible" }')
    expect(fileOf(own, 'gw')).not.toContain('Ciphers')
    expect(fileOf(own, 'plain')).toContain('Ciphers')
  })
})

const offered = (shown: Shown) => {
  const names = /^HostKeyAlgorithms (.*)$/m.exec(fileOf(strict, 'gw', shown))?.[1]?.split(',') ?? []
  return names.filter((name) => !name.includes('-cert-v01@'))
}
const rsaNames = ['rsa-sha2-512', 'rsa-sha2-256']

describe('strict offers fewer host keys', () => {
  test('the ECDSA key and a short RSA key, where there is an ed25519 one', () => {
    expect(offered({ keys: [E, C, R] })).toEqual(['ssh-ed25519', ...rsaNames])
    expect(offered({ keys: [E, C, R2048] })).toEqual(['ssh-ed25519'])
    expect(offered({ keys: [E, C, R2048], ours: E, device: [R2048, E] })).toEqual(['ssh-ed25519'])
  })

  test('but all of them where there is none', () => {
    expect(offered({ keys: [C, R2048] })).toEqual(['ssh-ed25519', ...rsaNames, 'ecdsa-sha2-nistp256'])
  })

  test('and the one that is the only pin of ours, or of a device', () => {
    expect(offered({ keys: [E, C, R2048], ours: R2048 })).toEqual(['ssh-ed25519', ...rsaNames])
    expect(offered({ keys: [E, C, R], ours: C })).toEqual(['ssh-ed25519', ...rsaNames, 'ecdsa-sha2-nistp256'])
    expect(offered({ keys: [E, C, R2048], ours: E, device: [C] })).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256'])
  })

  test('while the keys are not known yet, nothing is told', () => {
    const late = resourceOf(strict, 'gw').diff('OpenSSH_10.0p2\nvalid\nabsent\n', {
      of: () => undefined,
      failed: () => false,
      gone: () => false,
    })
    expect(late).toBe('later')
  })
})

test('passwordLogin false shuts passwords out for everybody, whatever Match blocks come later', () => {
  const off = inventory('"passwordLogin": false')
  const block = 'Match all\n    PasswordAuthentication no\n    KbdInteractiveAuthentication no\n'
  expect(fileOf(off, 'plain', { version: '8.4p1' })).toBe(block)
  expect(fileOf(off, 'pi')).toBe(`PerSourcePenaltyExemptList 127.0.0.1,::1\n${block}`)
  expect(fileOf(off.replace('"plain": {}', '"plain": { "passwordLogin": true }'), 'plain')).toBe('')
})
