import { type Node, type ParseError, type ParseErrorCode, parseTree, printParseErrorCode } from 'jsonc-parser'
import { InventoryError } from '../../errors.ts'
import { isPrivateKey, show } from '../messages.ts'
import { type Path, type Problems, problemsOf } from './problems.ts'

export interface Reading {
  readonly root: Node
  readonly problems: Problems
}

/**
 * JSON with comments and trailing commas, and perhaps a byte order mark in front. A text that cannot be read to its end
 * gets no further complaints than that.
 */
export function readSyntax(whole: string, file: string): Reading {
  const text = whole.replace(/^\ufeff/, '')
  const errors: ParseError[] = []
  const root = parseOrRefuse(text, file, errors)
  const problems = problemsOf(text, file, root)
  const other = errors.length > 0 ? otherFormat(text) : undefined
  if (other !== undefined) {
    problems.addAt(0, [], `is ${other}, and an inventory is JSON: \`provision import\` makes one of it`)
  } else if (root === undefined) {
    const begin = 'begin with { "gateways": { }, "devices": { } }'
    problems.addAt(0, [], `${errors.some(isText) ? 'is not JSON' : 'the file is empty'}: ${begin}`)
  } else {
    addSyntaxProblems(text, errors, problems)
  }
  problems.throwIfAny()
  if (root === undefined) throw new TypeError('unreachable')
  addDuplicateKeys(root, [], problems)
  return { root, problems }
}

const isText = ({ error }: ParseError) => printParseErrorCode(error) === 'InvalidSymbol'

/** What `provision import` reads, by its first line that says something. */
function otherFormat(text: string): string | undefined {
  const first = text.split(/\r?\n/).find((line) => !/^\s*([#;].*)?$/.test(line)) ?? ''
  if (/^\s*\[[\w.:-]+\]\s*$/.test(first)) return 'an inventory of Ansible in INI'
  if (/^\s*(Host|Match|Include)[ \t=]/i.test(first)) return 'an ssh_config'
  if (/^---(\s|$)|^[\w.-]+:(\s|$)/.test(first)) return 'YAML'
  return undefined
}

/** The parser calls itself for each bracket, so that a hundred thousand of them end the stack. */
function parseOrRefuse(text: string, file: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { allowTrailingComma: true })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new InventoryError(`${file}: is nested too deeply for an inventory`, 'is it the right file?')
  }
}

/** One per line: errors after the first mostly come from it. */
function addSyntaxProblems(text: string, errors: readonly ParseError[], problems: Problems): void {
  const lines = new Set<number>()
  for (const { error, offset, length } of errors) {
    const line = text.slice(0, offset).split('\n').length
    if (lines.has(line)) continue
    lines.add(line)
    const found = isPrivateKey(text) ? '' : text.slice(offset, offset + length)
    problems.addAt(offset, [], syntaxSentence(error, found, offset >= text.trimEnd().length))
  }
}

function syntaxSentence(error: ParseErrorCode, found: string, atEnd: boolean): string {
  const code = printParseErrorCode(error)
  const word = found.replaceAll('"', '').split('\n', 1)[0] ?? ''
  const what = word === '' || word.length > 20 ? 'found something else' : `found ${show(word)}`
  return `not JSON: ${EXPECTED[code] ?? code}; ${atEnd ? 'the file ends here' : what}`
}

const EXPECTED: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected text in double quotes, a number, true, false, [ or {',
  InvalidNumberFormat: 'expected a number such as 9022',
  PropertyNameExpected: 'expected a name in double quotes, or }',
  ValueExpected: 'expected a value: text in double quotes, a number, true, false, [ or {',
  ColonExpected: 'expected a colon after the name',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected }',
  CloseBracketExpected: 'expected ]',
  EndOfFileExpected: 'expected nothing more after the last }',
  InvalidCommentToken: 'expected a comment to begin with // or /*',
  UnexpectedEndOfComment: 'expected the comment to end with */',
  UnexpectedEndOfString: 'expected the text to end with a double quote on the same line',
  UnexpectedEndOfNumber: 'expected another digit',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'expected ", \\, /, b, f, n, r, t or u after the backslash',
  InvalidCharacter: 'expected no tab or control character in the text, write \\t or \\n',
}

function addDuplicateKeys(node: Node, path: Path, problems: Problems): void {
  const seen = new Map<string, number>()
  for (const [index, child] of (node.children ?? []).entries()) {
    if (child.type !== 'property') {
      addDuplicateKeys(child, [...path, index], problems)
      continue
    }
    const [key, value] = child.children ?? []
    const below = [...path, String(key?.value)]
    const first = seen.get(String(key?.value))
    if (first !== undefined) {
      problems.addAt(child.offset, below, `the same key as on ${problems.line(first)}: join the two, or rename one`)
    }
    seen.set(String(key?.value), child.offset)
    if (value !== undefined) addDuplicateKeys(value, below, problems)
  }
}

/** The value that a node stands for. Unlike jsonc-parser's own, a key named `__proto__` is a key like any other. */
export function plainValue(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(plainValue)
  if (node.type !== 'object') return node.value
  const object = {}
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? []
    if (key === undefined || value === undefined) continue
    Object.defineProperty(object, String(key.value), {
      value: plainValue(value),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return object
}
