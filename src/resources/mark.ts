/**
 * What says that provision made a thing, for which inventory, and for which device: `provision k7w2m9qd
 * host-a.lan.internal`. It is the comment of an account (GECOS, passwd(5)), the first line of a file behind `# `, and
 * the end of a key line. A thing without it is somebody else's: it is not changed, ended or deleted.
 */
export interface Mark {
  /** The identity of the inventory; `-`: of one that has none. */
  readonly inventory: string
  /** The name by which gateways know the device; absent: it serves several, or none. */
  readonly device?: string
}

/** No colon and no comma, which a GECOS field may not hold. */
export const printMark = ({ inventory, device }: Mark): string =>
  ['provision', inventory, ...(device === undefined ? [] : [device])].join(' ')

/** The mark at the end of this text, or of its first line where that is a comment; undefined: it has none. */
export function parseMark(text: string): Mark | undefined {
  const [first = ''] = text.split('\n', 1)
  const found = /(?:^|[\s#(])provision ([a-z0-9]{4,32}|-)(?: (\w[\w.-]*))?\)?\s*$/.exec(first)
  if (!found) return undefined
  const [, inventory = '-', device] = found
  return { inventory, ...(device !== undefined && { device }) }
}

/** Is this very mark at the end of the line. */
export function isMarkedBy(line: string, { inventory, device }: Mark): boolean {
  const mark = parseMark(line)
  return mark?.inventory === inventory && mark.device === device
}

/** The text of a file without the line of its mark: what it does, whoever it is for. */
export const withoutMarkLine = (text: string): string => (parseMark(text) ? text.slice(text.indexOf('\n') + 1) : text)

/** The text of a file with this mark as its first line. */
export const marked = (mark: Mark, text: string): string => `# ${printMark(mark)}\n${text}`

/** The same text without the mark at its end. */
export const withoutMark = (text: string): string =>
  parseMark(text) === undefined ? text : text.replace(/\(?provision \S+( \S+)?\)?\s*$/, '').trimEnd()

/**
 * A text that is wanted, as an inventory without an identity has it: its marks become those that stand there already
 * for the same device. Such an inventory, one from a checkout that nobody keeps for example, is no reason to mark a
 * thing anew.
 */
export function withMarksOf(present: string, wanted: string): string {
  const marks = present.matchAll(/\bprovision ([a-z0-9]{4,32})( \S+)?$/gm)
  const ids = new Map([...marks].map(([, id = '', device = '']) => [device, id]))
  return wanted.replaceAll(/\bprovision -( \S+)?$/gm, (_, device: string = '') => {
    return `provision ${ids.get(device) ?? '-'}${device}`
  })
}
