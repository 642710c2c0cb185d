import { ConnectError } from '../../errors.ts'
import { readIfThere, rewrite } from '../../files/atomic.ts'
import type { Host } from '../../inventory/model.ts'
import {
  AUTHORITY,
  fingerprintOf,
  type HostKey,
  hostKeyText,
  isOnlyFor,
  type KnownLine,
  knownNames,
  matches,
  parseHostKey,
  parseKnownLine,
} from './known-hosts.ts'
import { formerName, type Named, renamedHost } from './renamed.ts'

export { fingerprintOf, type HostKey, hostKeyText, parseHostKey } from './known-hosts.ts'

/** What of a host a pin depends on. */
export type Pinned = Pick<Host, 'name' | 'hostKeys' | 'port'>

/** Everything that is pinned for one host. */
export interface KnownKeys {
  readonly keys: readonly HostKey[]
  /** Pins that are fingerprints only: `SHA256:…`. */
  readonly fingerprints: readonly string[]
  readonly revoked: readonly HostKey[]
  /**
   * Keys that sign certificates of hosts (`@cert-authority`): a host with such a certificate for this name is trusted.
   */
  readonly authorities: readonly HostKey[]
  /** Where they are written. Pins in the inventory are the user's own text, and only the user changes them. */
  readonly from: 'inventory' | 'known_hosts'
}

export type PinVerdict = 'known' | 'unknown' | 'changed' | 'revoked'

export interface PinsOptions {
  /** The known_hosts file beside the inventory. */
  readonly file: string
  /** `PROVISION_KNOWN_HOSTS`, where not empty: read and written instead of `file` *and* of the `hostKeys` in the inventory. */
  readonly knownHosts?: string | undefined
  /** Asked once at a time, never twice for the same key. Absent: an unknown host is an error. */
  readonly onUnknown?: ((host: Pinned, key: UnknownKey) => Promise<boolean>) | undefined
  /** Hosts whose changed key replaces the pin, once each: `--accept-new-host-key`. */
  readonly acceptNew?: ReadonlySet<string> | undefined
  /**
   * Whose hosts these are: a device with the pinned key of a host that the inventory has no more was renamed: not
   * pinned again.
   */
  readonly inventory?: Named | undefined
  /** Keys that count instead of what is pinned for these hosts, and are written nowhere. */
  readonly instead?: ReadonlyMap<string, readonly HostKey[]> | undefined
  /** Called after a changed key was pinned. */
  readonly onReplaced?: ((host: Pinned, key: UnknownKey) => void) | undefined
}

export interface UnknownKey {
  readonly type: string
  readonly fingerprint: string
}

export interface Pins {
  /** The file that is read and written. */
  readonly file: string
  for(host: Pinned): Promise<KnownKeys>
  /** Appends one line; every other byte stays. Two processes may add at once. */
  add(host: Pinned, key: HostKey): Promise<void>
  /** Drops the lines that are about this host alone, and appends one. */
  replace(host: Pinned, key: HostKey): Promise<void>
  /** Which keys a login would trust now: those pinned, and any where the user accepts a new one. */
  trusted(host: Pinned): Promise<(key: string) => boolean>
  /** Drops the lines that are about this host alone and hold no key of these. */
  keep(host: Pinned, keys: readonly string[]): Promise<void>
  /**
   * Decides about a key that is not simply known: pins it where the user says so.
   * @throws ConnectError `unknown-host-key`, `changed-host-key`
   */
  settle(host: Pinned, key: HostKey): Promise<void>
}

export function judge(known: KnownKeys, key: HostKey): PinVerdict {
  if (known.revoked.some((revoked) => revoked.blob.equals(key.blob))) return 'revoked'
  if (known.keys.some((pinned) => pinned.blob.equals(key.blob))) return 'known'
  if (known.fingerprints.includes(fingerprintOf(key))) return 'known'
  return known.keys.length + known.fingerprints.length === 0 ? 'unknown' : 'changed'
}

export function openPins(options: PinsOptions): Pins {
  const elsewhere = options.knownHosts || undefined
  const file = elsewhere ?? options.file
  // One question at a time: each waits for the one before, whatever became of that.
  let lastQuestion: Promise<unknown> = Promise.resolve()
  // A refusal counts for the whole run: another route to the same host may bring the same key a moment later.
  const refused = new Set<string>()
  // A name is good for one new key: a third machine behind its forward must not pass as the new one.
  const acceptNew = new Set(options.acceptNew)

  const pins: Pins = {
    file,
    async for(host) {
      const given = options.instead?.get(host.name)
      if (given) return { ...(await written(host)), keys: given, fingerprints: [], authorities: [] }
      return written(host)
    },
    add: (host, key) => rewrite(file, (before) => append(before, host, key)),
    replace: (host, key) =>
      rewrite(file, (before) => {
        const names = knownNames(host.name, host.port)
        return append(
          lines(before)
            .filter((line) => !isReplaceable(line, names))
            .join(''),
          host,
          key,
        )
      }),
    async trusted(host) {
      const known = await pins.for(host)
      const accepts = known.from === 'known_hosts' && acceptNew.has(host.name)
      return (text) => {
        const key = parseHostKey(text)
        return key !== undefined && (judge(known, key) === 'known' || (accepts && judge(known, key) === 'changed'))
      }
    },
    keep: (host, keys) =>
      rewrite(file, (before) => {
        const names = knownNames(host.name, host.port)
        const stays = (line: string) => {
          const key = parseKnownLine(line)?.key
          return key === undefined || keys.includes(hostKeyText(key)) || !isReplaceable(line, names)
        }
        return lines(before).filter(stays).join('')
      }),
    settle(host, key) {
      const mine = lastQuestion.then(() => settle(host, key))
      lastQuestion = mine.catch(() => undefined)
      return mine
    },
  }

  async function written(host: Pinned): Promise<KnownKeys> {
    if (elsewhere === undefined && host.hostKeys.length > 0) return fromInventory(host.hostKeys)
    return fromKnownHosts(await readIfThere(file), host)
  }

  async function settle(host: Pinned, key: HostKey): Promise<void> {
    const known = await pins.for(host)
    const verdict = judge(known, key)
    const presented = { type: key.type, fingerprint: fingerprintOf(key) }
    if (verdict === 'known') return
    if (verdict === 'revoked') throw revoked(host, presented)
    if (verdict === 'unknown') {
      const former = options.inventory && formerName(await readIfThere(file), host.name, key, options.inventory)
      if (former !== undefined)
        throw renamedHost(host, presented, { former, file: options.inventory?.file ?? '', pins: file })
      const question = `${host.name} ${presented.fingerprint}`
      if (refused.has(question) || (await options.onUnknown?.(host, presented)) !== true) {
        refused.add(question)
        throw unknown(host, presented)
      }
      return pins.add(host, key)
    }
    const accepted = acceptNew.has(host.name)
    if (!accepted || known.from === 'inventory') throw changed(host, presented, known, accepted ? key : undefined)
    await pins.replace(host, key)
    acceptNew.delete(host.name)
    options.onReplaced?.(host, presented)
  }

  return pins
}

function fromInventory(hostKeys: readonly string[]): KnownKeys {
  const isAuthority = (text: string) => text.startsWith(`${AUTHORITY} `)
  const keys = hostKeys.flatMap((text) => parseHostKey(text) ?? [])
  const authorities = hostKeys.filter(isAuthority).flatMap((text) => parseHostKey(text.slice(AUTHORITY.length)) ?? [])
  const fingerprints = hostKeys
    .filter((text) => text.startsWith('SHA256:'))
    .map((text) => text.trim().replace(/=+$/, ''))
  return { keys, fingerprints, revoked: [], authorities, from: 'inventory' }
}

function fromKnownHosts(text: string, host: Pinned): KnownKeys {
  const names = knownNames(host.name, host.port)
  const found = text.split('\n').flatMap((line) => parseKnownLine(line) ?? [])
  const mine = found.filter((line) => matches(line.patterns, names))
  const of = (kind: (line: KnownLine) => boolean) => mine.filter(kind).map((line) => line.key)
  return {
    keys: of((line) => !line.revoked && !line.authority),
    fingerprints: [],
    revoked: of((line) => line.revoked),
    authorities: of((line) => line.authority),
    from: 'known_hosts',
  }
}

function isReplaceable(line: string, names: readonly string[]): boolean {
  const known = parseKnownLine(line)
  return known !== undefined && !known.revoked && !known.authority && isOnlyFor(known.patterns, names)
}

function append(before: string, host: Pinned, key: HostKey): string {
  const line = `${host.name} ${hostKeyText(key)}`
  if (lines(before).some((there) => there.trim() === line)) return before
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`
}

/** With their line ends, so that joining them gives the same bytes. */
function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function unknown(host: Pinned, presented: UnknownKey): ConnectError {
  return new ConnectError(
    'unknown-host-key',
    `the host key of ${host.name} is not known yet; the host presented ${presented.type} ${presented.fingerprint}`,
    'compare the fingerprint on the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), ' +
      'then run `provision trust INVENTORY`, or pin the first key that the host presents with --trust-first',
  )
}

function changed(host: Pinned, presented: UnknownKey, known: KnownKeys, accepted: HostKey | undefined): ConnectError {
  const pinned = [...known.keys.map((key) => `${key.type} ${fingerprintOf(key)}`), ...known.fingerprints]
  // A gateway of the inventory, and no machine that is only jumped through.
  const comesBack =
    'dial' in host
      ? `. To have its devices reconnect by themselves: provision restore-gateway INVENTORY ${host.name}`
      : ''
  const hint = accepted
    ? `the pinned key is in the inventory: write "${hostKeyText(accepted)}" under "hostKeys" there`
    : 'was the machine reinstalled? Then compare the fingerprint on the machine itself and run again with ' +
      `--accept-new-host-key ${host.name}; otherwise another machine answers in its place${comesBack}`
  const sentence = `${host.name} presented another host key than the pinned one`
  return new ConnectError(
    'changed-host-key',
    `${sentence}: ${presented.type} ${presented.fingerprint}, pinned is ${pinned.join(', ')}`,
    hint,
  )
}

function revoked(host: Pinned, presented: UnknownKey): ConnectError {
  return new ConnectError(
    'changed-host-key',
    `${host.name} presented a host key that is marked @revoked: ${presented.type} ${presented.fingerprint}`,
    'this key was revoked, so another machine may hold it: do not log in; give the machine a new host key',
  )
}
