import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Device } from '../../src/inventory/model.ts'
import type { ForwardReport } from '../../src/report/report.ts'
import { fingerprintOf, openPins, parseHostKey } from '../../src/ssh/host-keys/pins.ts'
import { lastProofs, lastProofsFile } from '../../src/verify/last-proofs.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'last-proofs-'))
  file = join(folder, 'state/provision/proofs.json')
  onTestFinished(() => rm(folder, { recursive: true }))
})

const someKey = () => {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return `ssh-ed25519 ${Buffer.concat([part(Buffer.from('ssh-ed25519')), part(raw)]).toString('base64')}`
}
const key = someKey()
const parsed = parseHostKey(key)
const fingerprint = parsed ? fingerprintOf(parsed) : ''
const device = { name: 'host-a', hostKeys: [key] } as unknown as Device
const forward = { device: 'host-a', gateway: 'gw', bindAddress: '127.0.0.1', port: 9022 }
const ok: ForwardReport = { ...forward, state: 'ok', hostKey: fingerprint }
const stale: ForwardReport = { ...forward, state: 'stale' }

/** One run at this time. */
function at(time: string, notes: string[] = []) {
  const pins = openPins({ file: join(folder, 'known_hosts') })
  return lastProofs({ file, pins, clock: () => new Date(time), note: (text) => notes.push(text) })
}
const [noon, later] = ['2026-11-24T12:00:00.000Z', '2026-11-24T18:00:00.000Z']

describe('the last good proof of a device', () => {
  test('is this one, when it is good', async () => {
    expect(await at(noon).stamp([ok], [device])).toEqual([{ ...ok, lastProof: noon }])
    expect((await stat(join(folder, 'state/provision'))).mode & 0o777).toBe(0o700)
  })

  test('is told by a later run that finds the device away', async () => {
    await at(noon).stamp([ok], [device])
    expect(await at(later).stamp([stale], [device])).toEqual([{ ...stale, lastProof: noon }])
  })

  test('counts for every forward of the device, also for one that ends at no sshd', async () => {
    const printer: ForwardReport = { ...forward, port: 9631, state: 'no-tunnel' }
    expect(await at(noon).stamp([ok, printer], [device])).toEqual([
      { ...ok, lastProof: noon },
      { ...printer, lastProof: noon },
    ])
  })

  test('is of the key that was proved: a machine with another key has none', async () => {
    await at(noon).stamp([ok], [device])
    expect(await at(later).stamp([stale], [{ ...device, hostKeys: [someKey()] }])).toEqual([stale])
    expect(await at(later).stamp([stale], [{ ...device, hostKeys: [fingerprint] }])).toEqual([
      { ...stale, lastProof: noon },
    ])
  })

  test('is unknown where nobody looked; nothing is written for that', async () => {
    expect(await at(noon).stamp([stale], [device])).toEqual([stale])
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  test('begins anew where the file is in pieces', async () => {
    await mkdir(join(folder, 'state/provision'), { recursive: true })
    await writeFile(file, '{"SHA256:abc": "20')
    await at(noon).stamp([ok], [device])
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ [fingerprint]: noon })
  })

  test('costs a note, not the run, where it cannot be kept', async () => {
    await writeFile(join(folder, 'state'), '')
    const notes: string[] = []
    expect(await at(noon, notes).stamp([ok], [device])).toEqual([ok])
    expect(notes).toEqual([`the times of the last proofs cannot be saved in ${file}: ENOTDIR`])
  })
})

test('the file is where the user keeps state', () => {
  expect(lastProofsFile({}, '/home/u')).toBe('/home/u/.local/state/provision/proofs.json')
  expect(lastProofsFile({ XDG_STATE_HOME: '/var/state' }, '/home/u')).toBe('/var/state/provision/proofs.json')
})
