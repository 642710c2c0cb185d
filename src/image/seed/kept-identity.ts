import { readFile } from 'node:fs/promises'
import { InventoryError } from '../../errors.ts'
import type { Device } from '../../inventory/model.ts'
import { type HostCertificate, isCertificate, parseHostCertificate } from '../../ssh/host-keys/host-certificate.ts'
import { publicHalfOf } from '../../ssh/host-keys/new-key.ts'
import type { SeedFile } from './seed.ts'

/** Of a backup: who the device was, and is to be again. */
export interface KeptIdentity {
  /** Private host keys by file name, `ssh_host_ed25519_key`. */
  readonly hostKeys: ReadonlyMap<string, string>
  /** Host certificates of those, and what has sshd show them. */
  readonly files: readonly SeedFile[]
}

/** @throws InventoryError for what is no identity of this device */
export async function keptIdentity(device: Device, paths: readonly string[], now: Date): Promise<KeptIdentity> {
  const texts = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, 'utf8').catch(() => {
        throw new InventoryError(`--keep-identity ${path}: cannot be read`)
      })
      return { path, text }
    }),
  )
  const keys = texts.filter(({ text }) => !isCertificate(text)).map((one) => ({ ...one, ...keyOf(one, device) }))
  const certificates = texts.filter(({ text }) => isCertificate(text))
  const files = certificates.flatMap(({ path, text }) => {
    const certificate = parseHostCertificate(text)
    const why = certificate ? unfit(certificate, device, now) : 'is not a host certificate'
    if (why) throw new InventoryError(`--keep-identity ${path}: ${why}`, 'have a new one signed: ssh-keygen -s CA -h')
    const key = keys.find(({ publicKey }) => publicKey === certificate?.key)
    if (!key) {
      const hint = 'give its private host key with --keep-identity, too'
      throw new InventoryError(`--keep-identity ${path}: is the certificate of a host key that was not given`, hint)
    }
    const file = `/etc/ssh/${key.name}-cert.pub`
    return [
      { path: file, mode: '644', content: `${text.trim()}\n`, secret: false },
      {
        path: `/etc/ssh/sshd_config.d/${key.name.replaceAll('_', '-')}-certificate.conf`,
        mode: '644',
        content: `HostCertificate ${file}\n`,
        secret: false,
      },
    ]
  })
  return { hostKeys: new Map(keys.map(({ name, text }) => [name, text])), files }
}

/** By the name that sshd has for it. */
function keyOf({ path, text }: { path: string; text: string }, device: Device) {
  const publicKey = publicHalfOf(text)
  const type = publicKey?.split(' ')[0]?.match(/ed25519|ecdsa|rsa/)?.[0]
  if (type) return { publicKey, name: `ssh_host_${type}_key` }
  const hint = `name a file such as ssh_host_ed25519_key, as it was on ${device.name}`
  throw new InventoryError(`--keep-identity ${path}: holds no private key without a passphrase`, hint)
}

function unfit({ principals, after, before }: HostCertificate, { name }: Device, now: Date): string | undefined {
  const seconds = BigInt(Math.floor(now.getTime() / 1000))
  if (principals.length > 0 && !principals.includes(name))
    return `is a certificate for ${principals.join(', ')}, not for ${name}`
  if (seconds >= before) return 'the certificate has expired'
  return seconds < after ? 'the certificate is not valid yet' : undefined
}
