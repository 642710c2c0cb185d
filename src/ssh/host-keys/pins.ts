import { readIfThere, rewrite } from '../../files/atomic.ts'
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
import { changedHostKey, revokedHostKey, unknownHostKey } from './pin-errors.ts'
import type { KnownKeys, Pinned, UnknownKey } from './pinned.ts'
import { formerName, type Named, renamedHost } from './renamed.ts'

export { fingerprintOf, type HostKey, hostKeyText, parseHostKey } from './known-hosts.ts'

export type PinVerdict = 'known' | 'unknown' | 'changed' | 'revoked'

export interface PinsOptions {
  /** The known_hosts file beside the inventory. */
  readonly file: string
  /**
   * `PROVISION_KNOWN_HOSTS`, where not empty: read and written instead of `file` *and* of the `hostKeys` in the
   * inventory.
   */
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
  /** Keys that count instead of what is pinned for these hosts, and are written nowhere. No other key is accepted. */
  readonly instead?: ReadonlyMap<string, readonly HostKey[]> | undefined
  /** Called after a changed key was pinned. */
  readonly onReplaced?: ((host: Pinned, key: UnknownKey) => void) | undefined
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
  const acceptNew = new Set([...(options.acceptNew ?? [])].filter((name) => !options.instead?.has(name)))

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
    if (verdict === 'revoked') throw revokedHostKey(host, presented)
    if (verdict === 'unknown') {
      const former = options.inventory && formerName(await readIfThere(file), host.name, key, options.inventory)
      if (former !== undefined)
        throw renamedHost(host, presented, { former, file: options.inventory?.file ?? '', pins: file })
      const question = `${host.name} ${presented.fingerprint}`
      if (refused.has(question) || (await options.onUnknown?.(host, presented)) !== true) {
        refused.add(question)
        throw unknownHostKey(host, presented)
      }
      return pins.add(host, key)
    }
    const accepted = acceptNew.has(host.name)
    if (!accepted || known.from === 'inventory')
      throw changedHostKey(host, presented, known, accepted ? key : undefined)
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
