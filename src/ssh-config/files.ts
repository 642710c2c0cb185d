import { globToRegExp } from '../files/glob.ts'
/** What becomes of the text of somebody's ssh configuration. Every line that is not ours stays, byte for byte. */

/** Of the files that we keep in `~/.ssh/config.d`; the keys beside them do not match it. */
export const included = '~/.ssh/config.d/provision-*.conf'

/** The lines around a block: one inventory, one block. */
function marks(inventory: string) {
  return { begin: `# >>> provision: ${inventory}`, end: `# <<< provision: ${inventory}` }
}

export function holdsBlock(text: string, inventory: string): boolean {
  return text.split('\n').some((line) => line.trimEnd() === marks(inventory).begin)
}

/**
 * The text with the block of this inventory in place of the one before, else at its end; undefined: its end line is
 * gone.
 */
export function withBlock(text: string, inventory: string, block: string): string | undefined {
  const { begin, end } = marks(inventory)
  const ours = `${begin}\n${block}${end}\n`
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const from = lines.findIndex((line) => line.trimEnd() === begin)
  if (from < 0) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${ours}`
  const to = lines.findIndex((line, at) => at > from && line.trimEnd() === end)
  return to < 0 ? undefined : [...lines.slice(0, from), ours, ...lines.slice(to + 1)].join('')
}

/**
 * The text of `~/.ssh/config` that includes `file`. Only what stands before the first `Host` or `Match` counts for
 * every host (ssh_config(5)), so a line that is lacking becomes the first one.
 */
export function withInclude(text: string, file: string, home: string): string {
  return includes(text, file, home) ? text : `Include ${included}\n${text}`
}

function includes(text: string, file: string, home: string): boolean {
  for (const line of text.split('\n')) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? []
    if (/^(host|match)$/i.test(keyword)) return false
    if (!/^include$/i.test(keyword)) continue
    const patterns = [...rest.matchAll(/"([^"]*)"|([^\s"]+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
    if (patterns.some((pattern) => globOf(pattern, home).test(file))) return true
  }
  return false
}

/** As ssh takes it: `~` is the home, and what is not absolute begins at `~/.ssh`. */
function globOf(pattern: string, home: string): RegExp {
  const path = pattern.startsWith('~/')
    ? `${home}/${pattern.slice(2)}`
    : pattern.startsWith('/')
      ? pattern
      : `${home}/.ssh/${pattern}`
  return globToRegExp(path, { within: '[^/]' })
}
