import { styleText } from 'node:util'

/** How lines look on a terminal: colour, width, and names that are too many for a line. */

export type Paint = (style: 'green' | 'yellow' | 'red' | 'dim' | 'cyan' | 'bold', text: string) => string

export const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color ? styleText(style, text, { validateStream: false }) : text

/**
 * A line as several, none longer than `columns` unless a word is; what is continued is indented by so many spaces.
 * Absent or 0: nobody knows the width, and the line stays one. Before any colour is added.
 */
export function wrapped(line: string, columns: number | undefined, indent: number): string[] {
  if (!columns || line.length <= columns) return [line]
  const [beginning = ''] = /^ */.exec(line) ?? []
  const rows: string[] = []
  let row = beginning
  let isEmpty = true
  for (const word of line.slice(beginning.length).split(' ')) {
    if (!isEmpty && row.length + 1 + word.length > columns) {
      rows.push(row)
      row = ' '.repeat(indent)
      isEmpty = true
    }
    row += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...rows, row]
}

export const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** `a, b, c`; `a, b, c and 9 more`. */
export function listed(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
}
