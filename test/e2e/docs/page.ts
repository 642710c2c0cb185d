import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * What a page has between its fences, in its order. `console`: lines with `$ ` are commands, the lines below each are all that
 * it prints; `diff`: an edit of inventory.json; `jsonc`: inventory.json itself; `text` and `yaml` are only looked at.
 */
export type Block =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  | { readonly kind: 'edit'; readonly from: string; readonly to: string }
  | { readonly kind: 'inventory'; readonly text: string }

/** A command, with what its comment says of it: `# on NAME`, `# as USER`, `# from anywhere`, `# exit code N`. */
export interface Command {
  readonly line: string
  readonly on?: string
  readonly as?: string
  readonly anywhere: boolean
  readonly code: number
  /** What is printed; `…` stands for lines that are left out, or for the rest of a line. */
  readonly shown: readonly string[]
}

export async function readPage(name: string): Promise<Block[]> {
  const text = await readFile(join(import.meta.dirname, '../../../docs', name), 'utf8')
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, kind = '', body = '']): Block[] => {
    if (kind === 'console') return [{ kind: 'commands', commands: commandsOf(body) }]
    if (kind === 'diff') return [editOf(body)]
    if (kind === 'jsonc') return [{ kind: 'inventory', text: body }]
    if (kind === 'text' || kind === 'yaml') return []
    throw new Error(`${name}: what is to be done with a block of "${kind}"?\n${body}`)
  })
}

/** What a page shows below a command, in whichever of its blocks. */
export async function shownBelow(name: string, command: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '../../../docs', name), 'utf8')
  const [, shown] = text.split(`\n$ ${command}\n`)
  if (shown === undefined) throw new Error(`${name} does not show ${command}`)
  return linesOf(shown.replace(/^(\$ |```)[\s\S]*/m, ''))
}

function commandsOf(body: string): Command[] {
  return body
    .split(/^(?=\$ )/m)
    .filter((part) => part !== '')
    .map((part) => {
      const [, typed = '', output = ''] = /^\$ ((?:.*\\\n)*.*)\n?([\s\S]*)$/.exec(part) ?? []
      const [, line = '', comment = ''] = /^([\s\S]*?)(?: +# (.*))?$/.exec(typed) ?? []
      const said = (word: string) => new RegExp(`(?:^|, | )${word} (\\S+?)(?:,|$| )`).exec(comment)?.[1]
      const [on, as] = [said('on'), said('as')]
      return {
        line,
        ...(on && { on }),
        ...(as && { as }),
        anywhere: said('from') === 'anywhere',
        code: Number(said('exit code') ?? 0),
        shown: linesOf(output),
      }
    })
}

function editOf(body: string): Block {
  const side = (sign: string) =>
    linesOf(body)
      .filter((line) => line.startsWith(sign) || line.startsWith(' '))
      .map((line) => `${line.slice(1)}\n`)
      .join('')
  return { kind: 'edit', from: side('-'), to: side('+') }
}

export const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

/** What is another time, key or run each time. */
const alike = (line: string) =>
  line
    .replace(/\b\d+(\.\d+)? m?s\b/g, '1 s')
    .replace(/SHA256:[\w+/…]+/g, 'SHA256:…')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, 'TIME')
    .replace(/ +/g, ' ')
    .trimEnd()

/** Whether a page shows what was printed. */
export function isShown(shown: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = shown
  if (first === undefined) return printed.length === 0
  if (first === '…') {
    for (let from = 0; from <= printed.length; from += 1) if (isShown(rest, printed.slice(from))) return true
    return false
  }
  const [line, ...more] = printed
  return line !== undefined && fits(alike(first), alike(line)) && isShown(rest, more)
}

function fits(shown: string, printed: string): boolean {
  if (!shown.endsWith(' …')) return shown === printed
  return printed.startsWith(shown.slice(0, -1))
}
