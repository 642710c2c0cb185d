import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fresh, run, seed, type Texts, withWifi } from '../kit.ts'
import { files, refusal } from './files.ts'

interface Networks {
  readonly network: { readonly wifis: Readonly<Record<string, { readonly 'access-points': object }>> }
}

describe('network-config', () => {
  const made = (boot: Texts = fresh['cloud-init'], of = withWifi) => files('cloud-init', boot, of)

  test('any name and passphrase reach cloud-init as they are', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '<<',
        'a<<b',
        '__proto__',
        'toString',
        'NO',
        'yes',
        '0x1234567',
        '12:30:45:12',
        '~',
        '1e3',
        '2026-11-24',
        '=',
        "'",
        '"',
        ': #',
        '- a',
      ),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 32 }),
    )
    const settings = fc.array(fc.record({ ssid: word, passphrase: word, country: fc.constantFrom('NO', 'DE') }), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(settings, (networks) => {
        const texts = networks.map((wifi) => made(fresh['cloud-init'], { ...seed, wifi })['network-config'])
        const all = texts.map((text) => Buffer.from(text ?? '').toString('base64')).join('\n')
        const program = `import sys, yaml, json, base64
print(json.dumps([yaml.safe_load(base64.b64decode(line)) for line in sys.stdin.read().split()]))`
        const seen = JSON.parse(run('/usr/bin/python3', ['-c', program], all).toString()) as unknown[]
        for (const [index, { ssid, passphrase, country }] of networks.entries()) {
          expect(seen[index]).toMatchObject({ network: { wifis: { wlan0: { 'regulatory-domain': country } } } })
          const [wlan0] = Object.values((seen[index] as Networks).network.wifis)
          expect(Object.entries(wlan0?.['access-points'] ?? {})).toEqual([[ssid, { password: passphrase }]])
        }
      }),
      { numRuns: 4 },
    )
  })

  test.each(['<<', '__proto__', 'constructor'])(
    'a network that is called %s is added beside others, and is known then',
    (ssid) => {
      const there =
        'version: 2\nwifis: {wlan0: {access-points: {"<<": {password: correct horse}, home: {password: x}}}}\n'
      const wifi = { ssid, passphrase: 'correct horse' }
      const once = made({ ...fresh['cloud-init'], 'network-config': there }, { ...seed, wifi })['network-config'] ?? ''
      const points = (text: string) =>
        run(
          '/usr/bin/python3',
          ['-c', 'import sys, yaml; print(sorted(yaml.safe_load(sys.stdin)["wifis"]["wlan0"]["access-points"]))'],
          text,
        )
          .toString()
          .trim()
      expect(points(once)).toBe(`['${[...new Set(['<<', ssid, 'home'])].join("', '")}']`)
      expect(made({ ...fresh['cloud-init'], 'network-config': once }, { ...seed, wifi })['network-config']).toBe(once)
      const other = { ...seed, wifi: { ssid, passphrase: 'another one' } }
      expect(() => made({ ...fresh['cloud-init'], 'network-config': once }, other)).toThrow(
        `its network-config has another passphrase for the Wi-Fi network "${ssid}"`,
      )
    },
  )

  test('the same passphrase in the longer words of netplan, as a number, or for another interface, is no conflict', () => {
    const network = (point: string, name = 'wlan0') =>
      `network:\n  version: 2\n  wifis:\n    eth0: {}\n    ${name}:\n      access-points:\n        "the lab":\n${point}`
    for (const [point, wanted] of [
      ['          auth:\n            key-management: psk\n            password: correct horse\n', 'none'],
      ['          auth: {password: wrong horse}\n', 'another passphrase'],
      ['          auth: {key-management: eap, password: correct horse}\n', 'another passphrase'],
      ['          {}\n', 'another passphrase'],
    ] as const)
      expect(refusal('cloud-init', { ...fresh['cloud-init'], 'network-config': network(point, 'wlan1') })).toContain(
        wanted,
      )
    const digits = { ...seed, wifi: { ssid: 'the lab', passphrase: '12345678' } }
    const there = network('          password: 12345678\n')
    expect(made({ ...fresh['cloud-init'], 'network-config': there }, digits)['network-config']).toBe(there)
  })
})
