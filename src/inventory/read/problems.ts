import { findNodeAtLocation, type Node } from 'jsonc-parser'
import { InventoryError, type Problem } from '../../errors.ts'
import { show } from '../messages.ts'

export type Path = readonly (string | number)[]

/** Lines and columns count from 1, as editors have it. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** The text being read, and what is wrong with it so far: everything is told at once, in the order of the text. */
export interface Problems {
  /** At the value; where it was not written, at the nearest thing around it. */
  add(path: Path, sentence: string): void
  /** At the name of the property. */
  addAtKey(path: Path, sentence: string): void
  addAt(offset: number, path: Path, sentence: string): void
  /** Was anything found at this path or below it? */
  has(path: Path): boolean
  /** "line 7", to point at the other half of a contradiction. */
  line(where: Path | number): string
  throwIfAny(hint?: string): void
}

export function problemsOf(text: string, file: string, root: Node | undefined): Problems {
  const found: { offset: number; path: Path; sentence: string }[] = []
  const addAt = (offset: number, path: Path, sentence: string) => {
    found.push({ offset, path, sentence })
  }
  return {
    addAt,
    add(path, sentence) {
      const near = nearest(root, path)
      addAt(near?.node.offset ?? 0, near?.path ?? [], sentence)
    },
    addAtKey: (path, sentence) => addAt(keyOffset(root, path), path, sentence),
    has: (path) => found.some((problem) => path.every((segment, index) => problem.path[index] === segment)),
    line: (where) => `line ${position(text, typeof where === 'number' ? where : keyOffset(root, where)).line}`,
    throwIfAny(hint) {
      if (found.length === 0) return
      const problems = new Map<string, Problem>()
      for (const { offset, path, sentence } of found.toSorted((a, b) => a.offset - b.offset)) {
        const problem = { file, ...position(text, offset), message: `${printPath(path)}: ${sentence}` }
        problems.set(`${file}:${problem.line}:${problem.column} ${problem.message}`, problem)
      }
      throw new InventoryError([...problems.keys()].join('\n'), hint, [...problems.values()])
    },
  }
}

/** `devices.host-a.lan.internal.forwards[0]`, as the documentation writes it. */
function printPath(path: Path): string {
  if (path.length === 0) return 'inventory'
  return path.map((segment, index) => printSegment(segment, index === 0)).join('')
}

function printSegment(segment: string | number, first: boolean): string {
  if (typeof segment === 'number') return `[${segment}]`
  const plain = /^[A-Za-z0-9._$-]+$/.test(segment) && segment.length <= 253
  return (first ? '' : '.') + (plain ? segment : show(segment))
}

/** What was written at the path, or around it where nothing was. */
function nearest(root: Node | undefined, path: Path): { readonly node: Node; readonly path: Path } | undefined {
  if (root === undefined) return undefined
  for (let length = path.length; length > 0; length--) {
    const shorter = path.slice(0, length)
    const node = findNodeAtLocation(root, shorter)
    if (node !== undefined) return { node, path: shorter }
  }
  return { node: root, path: [] }
}

function keyOffset(root: Node | undefined, path: Path): number {
  const node = nearest(root, path)?.node
  return (node?.parent?.type === 'property' ? node.parent.offset : node?.offset) ?? 0
}

export function position(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}
