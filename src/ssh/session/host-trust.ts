import type { Duplex } from 'node:stream'
import { ConnectError, NoCommonHostKey } from '../../errors.ts'
import {
  type CertificateProblem,
  certificateProblem,
  type HostCertificate,
  parseHostCertificate,
} from '../host-keys/host-certificate.ts'
import type { KnownKeys, Pinned } from '../host-keys/pinned.ts'
import { fingerprintOf, type HostKey, hostKeyText, judge, parseHostKey } from '../host-keys/pins.ts'
import type { UserConfig } from '../user-config/user-config.ts'
import { shownCertificate } from './openssh/handshake.ts'
import { connectWithRetry } from './retry.ts'
import type { Wire } from './wire.ts'

/** A host whose key has to be checked, and how to connect to its sshd. */
export interface HostTrust {
  readonly host: Pinned
  readonly wire: Wire
  readonly config: UserConfig
  readonly open: () => Promise<Duplex>
  /** It is a TCP connection from here. */
  readonly ownSocket: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The pins of a host, with the key that a fingerprint or an authority among them was resolved to in this run. Where
 * only an authority is pinned, the host is asked for its certificate first: a connection of its own, once.
 * @throws ConnectError
 */
export async function knownKeys(at: HostTrust): Promise<KnownKeys> {
  const known = await at.wire.pins.for(at.host)
  const found = at.wire.resolvedHostKeys.get(at.host.name)
  const key = found ?? (onlyAuthorities(known) ? await keyOfCertificate(known, at) : undefined)
  const stands = key !== undefined && (known.authorities.length > 0 || judge(known, key) === 'known')
  return stands ? { ...known, keys: [...known.keys, key] } : known
}

/**
 * A key that was presented and is not pinned as such: does a fingerprint or an authority cover it, or does the user
 * accept it?
 * @throws ConnectError `unknown-host-key`, `changed-host-key`
 */
export async function settleKey(key: HostKey, at: HostTrust): Promise<void> {
  const known = await at.wire.pins.for(at.host)
  if (judge(known, key) === 'known') return void at.wire.resolvedHostKeys.set(at.host.name, key)
  if (known.authorities.length > 0 && judge(known, key) !== 'revoked') {
    try {
      const certified = await keyOfCertificate(known, at)
      if (certified.blob.equals(key.blob)) return
    } catch (error) {
      if (onlyAuthorities(known) || !(error instanceof ConnectError) || error.kind === 'unreachable') throw error
    }
  }
  await at.wire.pins.settle(at.host, key)
}

/**
 * The plain key that the certificate of a host is about, which a pinned authority has signed for its name. That the
 * host has this key is for the login to prove.
 * @throws ConnectError; `unknown-host-key`, `changed-host-key` where it presents no certificate that is accepted
 */
export async function keyOfCertificate(known: KnownKeys, at: HostTrust): Promise<HostKey> {
  const { host, wire, config, signal } = at
  const { name } = host
  const pinned = `the pinned authority is ${known.authorities.map(fingerprintOf).join(', ')}`
  const wish = { name, known, config, wire, signal }
  const answer = await connectWithRetry(async () => shownCertificate(await at.open(), wish), at).catch(
    (error: unknown) => {
      if (!(error instanceof NoCommonHostKey)) throw error
      const hint = `sign its host key (ssh-keygen -s CA -h -I ${name} -n ${name} …) and name the certificate as HostCertificate in its sshd_config, or pin its key itself`
      throw new ConnectError('unknown-host-key', `${name} presented no certificate; ${pinned}`, hint)
    },
  )
  if (answer.kind === 'ready') throw new Error('unexpected login')
  const certificate = parseHostCertificate(hostKeyText(answer.key))
  const key = parseHostKey(certificate?.key ?? '')
  const problem = certificate ? problemOf(certificate, key, known, at) : unknownKind
  if (problem === undefined && key !== undefined) {
    wire.resolvedHostKeys.set(name, key)
    return key
  }
  throw new ConnectError(
    problem?.kind === 'expired' ? 'unknown-host-key' : 'changed-host-key',
    `${name} presented a certificate that is not accepted: ${problem?.why}; ${pinned}`,
    `look at the certificate on the machine itself (ssh-keygen -Lf …-cert.pub): it has to be valid now, and for the name ${name}`,
  )
}

const unknownKind: CertificateProblem = { kind: 'untrusted', why: 'its type is not supported' }

function problemOf(
  certificate: HostCertificate,
  key: HostKey | undefined,
  known: KnownKeys,
  { host, wire }: HostTrust,
): CertificateProblem | undefined {
  const revoked = [key, certificate.authority].find((one) => one !== undefined && judge(known, one) === 'revoked')
  if (revoked !== undefined)
    return {
      kind: 'untrusted',
      why: `${revoked === key ? 'its key' : 'the authority that signed it'} is marked @revoked`,
    }
  return certificateProblem(certificate, { name: host.name, authorities: known.authorities, now: wire.clock() })
}

function onlyAuthorities(known: KnownKeys): boolean {
  return known.authorities.length > 0 && known.keys.length + known.fingerprints.length === 0
}
