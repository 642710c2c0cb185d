import type { ExecHost } from '../exec.ts'
import { clean } from '../inert.ts'

/** What hosts wrote, a line each, with the name of its host before it. `width`: of the longest name. */
export function hostLines(name: string, text: string, width: number): string {
  const lines = clean(text.replace(/\r$/, '')).split('\n')
  return lines.map((line) => `${name.padEnd(width)} | ${line}\n`).join('')
}

/** What stands above all that one host wrote. */
export function hostHead(name: string, code: number | undefined): string {
  const end = code === undefined ? ', without its end' : code === 0 ? '' : `, exit code ${code}`
  return `${name}${end}\n`
}

/** What did not go well, host by host, and how many went well; nothing for a single host that said it all itself. */
export function printEnds(hosts: readonly ExecHost[]): string {
  const bad = hosts.flatMap(({ name, code, error }) => {
    if (error) return [hostTrouble(name, error)]
    return code === 0 || hosts.length === 1 ? [] : [`${name}: exit code ${code}\n`]
  })
  const good = hosts.filter(({ code }) => code === 0).length
  return [...bad, ...(hosts.length === 1 ? [] : [`${good} of ${hosts.length} hosts: exit code 0\n`])].join('')
}

/** As every error of the command line reads. */
export function hostTrouble(
  name: string,
  { message, hint }: { readonly message: string; readonly hint?: string | undefined },
): string {
  const error = `provision: error: ${name}: ${clean(message)}\n`
  return hint === undefined ? error : `${error}provision: hint: ${clean(hint)}\n`
}
