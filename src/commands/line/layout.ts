import { wrapped } from '../../report/terminal/paint.ts'

/** Text in lines that fit, with these indents: of the first line, and of those after it. */
export const paragraph = (text: string, columns: number, first = 0, other = first): string =>
  `${wrapped(`${' '.repeat(first)}${text}`, columns, other).join('\n')}\n`

/** What, and beside it what it is; below it where the terminal is narrow or the first part long. */
export function rows(lines: readonly (readonly [string, string])[], columns: number, least = 4): string {
  const narrow = columns < 60
  const most = narrow ? 0 : 26
  const width = Math.max(least, ...lines.map(([what]) => what.length).filter((length) => length <= most))
  const indent = narrow ? 6 : width + 4
  return lines
    .map(([what, text]) => {
      if (narrow || what.length > width) return `  ${what}\n${text ? paragraph(text, columns, indent) : ''}`
      return paragraph(text, columns, indent)
        .replace(/^ */, `  ${what.padEnd(width)}  `)
        .trimEnd()
        .concat('\n')
    })
    .join('')
}
