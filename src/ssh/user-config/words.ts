/** The words of a line as a shell splits them, nothing expanded; undefined: a quote does not end. */
export function wordsOf(line: string): readonly string[] | undefined {
  const words: string[] = []
  let rest = line.trimStart()
  while (rest !== '') {
    let word = ''
    for (let piece = next(rest); rest !== '' && !/^\s/.test(rest); piece = next(rest)) {
      if (piece === undefined) return undefined
      word += piece.text
      rest = rest.slice(piece.length)
    }
    words.push(word)
    rest = rest.trimStart()
  }
  return words
}

function next(rest: string): { readonly text: string; readonly length: number } | undefined {
  const [whole, single, double, escaped, plain] =
    /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+))/s.exec(rest) ?? []
  if (whole === undefined) return rest === '' || /^\s/.test(rest) ? { text: '', length: 0 } : undefined
  return { text: single ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? escaped ?? plain ?? '', length: whole.length }
}
