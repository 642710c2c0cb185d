/** A piece of POSIX shell. Only this file and program.ts make one, so every string from outside is quoted. */
export class Sh {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type ShValue = string | number | Sh | readonly ShValue[]

/**
 * One shell word, whatever is in it. Single quotes only: `$'…'` is unknown to dash.
 * @throws RangeError for NUL, which no argument and no shell script can hold.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL byte')
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(word) && !word.startsWith('=') ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * Shell text. A string or number inside becomes one quoted word, an array several, an `Sh` stands as it is.
 * Backslashes are the shell's own, but for \` and \${, which JavaScript needs.
 * The indentation that all lines of the template share is taken off; what is put in is never touched.
 */
export function sh(template: TemplateStringsArray, ...values: readonly ShValue[]): Sh {
  const literals = dedent(template.raw).map((literal) => literal.replaceAll(/\\(`|\$\{)/g, '$1'))
  return new Sh(
    literals.map((literal, index) => (index === 0 ? literal : word(values[index - 1] ?? '') + literal)).join(''),
  )
}

/** Pieces of shell one after another, a line each. */
export function lines(...pieces: readonly (Sh | undefined)[]): Sh {
  return new Sh(pieces.flatMap((piece) => (piece?.text ? [piece.text] : [])).join('\n'))
}

function word(value: ShValue): string {
  if (value instanceof Sh) return value.text
  if (typeof value === 'object') return value.map(word).join(' ')
  return quote(String(value))
}

function dedent(raw: readonly string[]): string[] {
  const whole = raw.join('\0')
  if (!whole.startsWith('\n')) return [...raw]
  const indents = [...whole.matchAll(/\n([ ]*)(?=[^ \n])/g)].map((match) => match[1]?.length ?? 0)
  const shared = Math.min(...indents, Number.MAX_SAFE_INTEGER)
  return whole
    .replace(/\n[ ]*$/, '')
    .replaceAll(new RegExp(`\\n[ ]{0,${Math.min(shared, 200)}}`, 'g'), '\n')
    .slice(1)
    .split('\0')
}
