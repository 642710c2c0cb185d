/** Text in lines that fit, with these indents: of the first line, and of those after it. */
export function wrapped(text: string, columns: number, first = 0, other = first): string {
  const lines: string[] = []
  let line = ' '.repeat(first)
  let empty = true
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ' '.repeat(other)
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return `${[...lines, line].join('\n')}\n`
}

/** What, and beside it what it is; below it where the terminal is narrow or the first part long. */
export function rows(lines: readonly (readonly [string, string])[], columns: number, least = 0): string {
  const narrow = columns < 60
  const most = narrow ? 0 : 26
  const width = Math.max(least, ...lines.map(([what]) => what.length).filter((length) => length <= most))
  const indent = narrow ? 6 : width + 4
  return lines
    .map(([what, text]) => {
      if (narrow || what.length > width) return `  ${what}\n${text ? wrapped(text, columns, indent) : ''}`
      return wrapped(text, columns, indent)
        .replace(/^ */, `  ${what.padEnd(width)}  `)
        .trimEnd()
        .concat('\n')
    })
    .join('')
}
