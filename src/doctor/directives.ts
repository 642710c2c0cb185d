import { program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import directivesProgram from './directives.sh'

/** Prints the directives of a gateway's sshd that can keep a tunnel out; changes nothing. */
export const directivesScript = (): string => whole(lines(program(directivesProgram), sh`directives`))

/** Those of these names that are not ours: `AllowUsers admin (/etc/ssh/sshd_config line 7)`. */
export function directivesAt(observed: string, names: RegExp): string[] {
  return observed.split('\n').flatMap((row) => {
    const [, file = '', line = '', text = ''] = /^(\/[^:]+):(\d+):\s*(.*)$/.exec(row) ?? []
    const isOurs = /\/00-(reverse-tunnel|provision)[^/]*\.conf$/.test(file)
    return file !== '' && !isOurs && names.test(text) ? [`${text} (${file} line ${line})`] : []
  })
}
