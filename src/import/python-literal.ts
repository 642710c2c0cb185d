/**
 * A value as Ansible reads it in INI: as Python would where it is a text in quotes, a number, True, False or None, with
 * or without a comment behind it; anything else is the text itself.
 */
export function pythonLiteral(text: string): unknown {
  const bare = /^\s*([+-]?\w[\w.]*)\s*(?:#.*)?$/.exec(text)?.[1] ?? ''
  if (/^[+-]?(0+|[1-9]\d*(_\d+)*)$/.test(bare)) return Number(bare.replaceAll('_', ''))
  if (/^[+-]?(\d+\.\d*|\.\d+)$/.test(bare)) return Number(bare)
  const word = { True: true, False: false, None: null }[bare]
  return word === undefined ? (quoted(text) ?? text) : word
}

/** One text in quotes, or several behind each other, which are one. undefined: it is something else. */
function quoted(text: string): string | undefined {
  let rest = text.trimStart()
  let value: string | undefined
  while (rest !== '' && !rest.startsWith('#')) {
    const [whole, , raw = '', double, single] =
      /^((r|u)?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'))\s*/is.exec(rest) ?? []
    if (whole === undefined) return undefined
    const inner = double ?? single ?? ''
    value = (value ?? '') + (/r/i.test(raw) ? inner : unescaped(inner))
    rest = rest.slice(whole.length)
  }
  return value
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
}

const unescaped = (text: string) =>
  text.replaceAll(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gis, (whole, hex, long, letter: string) => {
    const code: string | undefined = hex ?? long
    return code === undefined ? (ESCAPES[letter] ?? whole) : String.fromCharCode(Number.parseInt(code, 16))
  })
