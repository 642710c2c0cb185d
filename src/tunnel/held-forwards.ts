import { addressAndPort } from '../inventory/addresses.ts'
import type { Forward } from '../inventory/model.ts'
import { type KeyLine, parseKeyLine } from '../resources/authorized-keys.ts'
import { type Mark, parseMark } from '../resources/mark.ts'
import { type Sh, sh } from '../shell/sh.ts'
import { sharedKeys, unitPrefix } from './names.ts'

/**
 * A forward that a gateway holds open for a device: a socket unit of systemd, or a line in the shared key file that
 * allows a session of sshd to listen there.
 */
export interface HeldForward extends Pick<Forward, 'bindAddress' | 'port' | 'listener'> {
  /** The name by which the gateway knows the device. */
  readonly device: string
  /** Absent: an earlier version made it, which left no mark. */
  readonly mark?: Mark
}

const units = '/etc/systemd/system'

/**
 * Prints what `parseHeldForwards` reads. Everybody may read these files; two processes, however many forwards there
 * are.
 */
export const inspectHeldForwards: Sh = sh`
  cd ${units} && grep -HsE '^(# provision |Description=)' ${unitPrefix}*.socket
  [ ! -e ${sharedKeys} ] || grep permitlisten= ${sharedKeys}
  :
`

/** A socket unit that is not ours, by mark or by the shape that an earlier version gave it, is none. */
export function parseHeldForwards(observed: string): HeldForward[] {
  const rows = observed.split('\n')
  const marks = new Map<string, Mark>()
  const forwards: HeldForward[] = []
  for (const row of rows) {
    const [, unit = '', text = ''] = /^([^:\s]+\.socket):(.*)$/.exec(row) ?? []
    const mark = parseMark(text)
    if (mark) marks.set(unit, mark)
    const [, listener = '', device = ''] = /^Description=(\S+) of (\S+)$/.exec(text) ?? []
    const place = parseListener(listener)
    const known = marks.get(unit)
    if (place)
      forwards.push({ device: known?.device ?? device, ...place, listener: 'socket', ...(known && { mark: known }) })
  }
  return [...forwards, ...rows.flatMap((row) => forwardsOfKey(parseKeyLine(row)))]
}

function forwardsOfKey(line: KeyLine | undefined): HeldForward[] {
  if (!line) return []
  const { device, mark } = whoseKey(line)
  const places = [...line.options.matchAll(/permitlisten="([^"]+)"/g)].flatMap(
    ([, text = '']) => parseListener(text) ?? [],
  )
  return places.map((place) => ({ device, ...place, listener: 'sshd', ...(mark && { mark }) }))
}

/**
 * Whose key a line of the shared key file, or of a device's own, is: its mark says it, or the bare comment of an
 * earlier version.
 */
export function whoseKey({ comment }: Pick<KeyLine, 'comment'>): { readonly device: string; readonly mark?: Mark } {
  const mark = parseMark(comment)
  return { device: mark?.device ?? comment.trim(), ...(mark && { mark }) }
}

/** `127.0.0.1:9022`, `[::1]:9024`, `*:9025`, as `printListener` prints it. */
export function parseListener(text: string): Pick<Forward, 'bindAddress' | 'port'> | undefined {
  const found = addressAndPort(text)
  return found && { bindAddress: found.address, port: found.port }
}
