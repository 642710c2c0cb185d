import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { parseEnrolmentRequest } from '../../../src/enrolment/expected-cards.ts'
import { credentialsSince } from '../../../src/tunnel/device-units.ts'
import { type CardBox, cardBox } from '../card-box.ts'

let box: CardBox
afterEach(() => box.end())

const tunnelKey = 'etc/reverse-tunnel/id_ed25519'
/** What is true of every device whose first boot has come to its end, whatever happened before. */
function expectWhole() {
  const key = box.publicKeyOf(tunnelKey)
  expect(box.read('gateway/etc/keys/tunnel-pi')).toBe(`restrict,port-forwarding ${key} provision k7w2m9qd pi.lan\n`)
  expect(box.read(`${tunnelKey}.pub`)).toBe(`${key} provision k7w2m9qd pi.lan\n`)
  expect(box.list('etc/reverse-tunnel')).toEqual(['check', 'id_ed25519', 'id_ed25519.pub', 'known_hosts'])
  expect(box.list('etc/systemd/system')).toEqual([
    'multi-user.target.wants',
    'reverse-tunnel-gw-check.service',
    'reverse-tunnel-gw.service',
    'x',
  ])
  expect(box.list('etc/systemd/system/multi-user.target.wants')).toEqual([
    'reverse-tunnel-gw-check.service',
    'reverse-tunnel-gw.service',
  ])
  expect(box.read('systemctl.log')).toContain(
    'start --no-block reverse-tunnel-gw.service reverse-tunnel-gw-check.service',
  )
  expect(box.read('accounts')).toBe('reverse-tunnel\n')
  expect(box.read('comment')).toBe('provision k7w2m9qd pi.lan\n')
  const record = box.read('gateway/etc/enrolled/pi.lan') ?? ''
  const message = Buffer.from(record.split(' ')[2] ?? '', 'base64').toString()
  expect(message).toContain(`key ${key}\n`)
  for (const type of ['ed25519', 'ecdsa'])
    expect(message).toContain(`host-key ${box.publicKeyOf(`etc/ssh/ssh_host_${type}_key`)}\n`)
  return record
}

describe.each([['dash'], ['busybox', 'sh']])('run by %s', (...shell) => {
  test('a fresh card makes its key, hands it in, and starts its tunnel; no secret of the card stays', () => {
    box = cardBox({ shell })
    const card = box.card()
    box.insert(card)
    expect(box.boot()).toMatchObject({ code: 0, said: expect.stringContaining('gw: enrolled') })
    const record = expectWhole()
    // Before it looks at any host key.
    expect(box.read('systemctl.log')).toMatch(/^disable --now regenerate_ssh_host_keys\.service\n/)
    expect(parseEnrolmentRequest(record, card.enrolment)?.hostKeys.map(({ type }) => type)).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
    ])
    const left = spawnSync('grep', ['-rlF', '-e', card.secrets.token, '-e', 'PRIVATE KEY', join(box.root, 'etc')])
    expect(left.stdout.toString().split('\n').filter(Boolean).sort()).toEqual(
      ['etc/reverse-tunnel/id_ed25519', 'etc/ssh/ssh_host_ecdsa_key', 'etc/ssh/ssh_host_ed25519_key'].map((path) =>
        join(box.root, path),
      ),
    )
  })
})

test('a system without credentials gets the unit that reads the key file itself', () => {
  box = cardBox({ systemd: `${credentialsSince - 1}` })
  box.insert(box.card())
  box.boot()
  expect(box.read('etc/systemd/system/reverse-tunnel-gw.service')).not.toContain('LoadCredential')
  box.end()
  box = cardBox({ systemd: `${credentialsSince}` })
  box.insert(box.card())
  box.boot()
  expect(box.read('etc/systemd/system/reverse-tunnel-gw.service')).toContain('LoadCredential')
})

test('killed before any of its commands, it comes to the same end at the next boot', () => {
  box = cardBox()
  box.insert(box.card())
  const whole = box.boot().commands
  expect(whole).toBeGreaterThan(30)
  let points = 0
  const states = new Set<string>()
  for (let stop = 1; ; stop++) {
    box.forget()
    box.insert(box.card())
    const cut = box.boot(stop)
    if (cut.commands < stop) break
    points++
    // The command before was one that left everything as it was.
    const state = box.state()
    if (states.has(state)) continue
    states.add(state)
    expect({ stop, ...box.boot() }).toMatchObject({ stop, code: 0 })
    expectWhole()
  }
  expect(points).toBe(whole)
}, 240_000)

test.each([
  ['empty', ''],
  ['cut short', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r'],
])('a host key that a power cut left %s is made anew, and its sshd is told', (_, content) => {
  box = cardBox()
  const other = box.publicKeyOf('etc/ssh/ssh_host_ecdsa_key')
  box.write('etc/ssh/ssh_host_ed25519_key', content, 0o600)
  box.write('etc/ssh/ssh_host_ecdsa_key.pub', '')
  box.insert(box.card())
  expect(box.boot().code).toBe(0)
  expectWhole()
  expect(box.read('etc/ssh/ssh_host_ecdsa_key.pub')).toContain(other)
  expect(box.read('systemctl.log')).toContain('try-restart --no-block ssh.service')
})

test('a host key of the backup takes the place of the fresh one', () => {
  box = cardBox()
  const old = cardBox()
  const [text, key] = [old.read('etc/ssh/ssh_host_ed25519_key') ?? '', old.publicKeyOf('etc/ssh/ssh_host_ed25519_key')]
  old.end()
  box.insert(box.card({ hostKeys: new Map([['ssh_host_ed25519_key', text]]) }))
  expect(box.boot().code).toBe(0)
  expectWhole()
  expect(box.publicKeyOf('etc/ssh/ssh_host_ed25519_key')).toBe(key)
  expect(box.read('etc/ssh/ssh_host_ed25519_key.pub')).toContain(key)
})

test('without a network it waits, and its key has another name until the gateway has said yes', () => {
  box = cardBox()
  box.insert(box.card())
  box.write('offline', '')
  // Its first pause is where this box stops it.
  expect(box.boot().said).toContain('No route to host')
  expect(box.list('etc/reverse-tunnel')).toContain('id_ed25519.new')
  expect(box.list('etc/reverse-tunnel')).not.toContain('id_ed25519')
  const made = box.publicKeyOf(`${tunnelKey}.new`)
  spawnSync('rm', [join(box.root, 'offline')])
  expect(box.boot().code).toBe(0)
  expect(box.publicKeyOf(tunnelKey)).toBe(made)
})

test('files of the card that are not whole are said to be so, and nothing is begun', () => {
  box = cardBox()
  box.insert(box.card())
  box.write('etc/reverse-tunnel/enrolment/key', '')
  expect(box.boot()).toMatchObject({ code: 1, said: expect.stringContaining('are incomplete') })
  expect(box.list('gateway/etc')).not.toContain('enrolled')
})

test('the program is shell that dash, busybox and shellcheck have nothing against', () => {
  box = cardBox()
  const path = join(import.meta.dirname, '../../../src/image/seed/first-boot.sh')
  for (const shell of [
    ['dash', '-n'],
    ['busybox', 'sh', '-n'],
    ['shellcheck', '-s', 'sh'],
  ]) {
    const [command = '', ...words] = [...shell, path]
    const { stdout, stderr } = spawnSync(command, words)
    expect(`${stdout}${stderr}`).toBe('')
  }
})
