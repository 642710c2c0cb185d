import type { Refused } from '../../resources/resource.ts'
import { lines, sh } from '../../shell/sh.ts'

/**
 * Prints `@lacks PROGRAM OPTION` for each of these options that the usual programs of this host do not know. Tried
 * only where one of them is a link, as those of busybox and uutils are: elsewhere it costs no process.
 */
export const tryPrograms = lines(
  sh`
    needs() {
      program=$1 option=$2
      shift 2
      [ -n "$("$@" 2>/dev/null)" ] || echo "@lacks $(command -v "$program" || echo "$program") $option"
    }
    fraction() { sleep 0.001 && echo slept; }
    try_programs() {
      needs find -printf find / -maxdepth 0 -printf x
      needs find -cnewer find / -maxdepth 0 '(' -cnewer / -o ! -cnewer / ')'
      needs stat -c stat -c %u:%g /
      needs sleep 0.001 fraction
      echo X | needs sed 's///I' sed -nE 's/(x)/\1/Ip'
      echo x | needs grep -o grep -oE x
      echo x | needs sort -z sort -z
      echo x | needs xargs -0 xargs -0 -r echo
      echo x | needs base64 -w base64 -w0
    }
    links() {
      IFS=:
      for folder in $PATH; do
        for program in find stat sleep sed grep sort xargs base64; do
          if [ -h "$folder/$program" ]; then return; fi
        done
      done
      return 1
    }
  `,
  sh`if (links); then try_programs; fi`,
)

/** What a host whose programs lack that cannot be done with; undefined where they lack nothing. */
export function lackOf(printed: string): Refused | undefined {
  const lacks = [...printed.matchAll(/^@lacks (\S+) (\S+)$/gm)]
  if (lacks.length === 0) return undefined
  const options = lacks.map(([, program, option]) => `${program} does not know ${option}`)
  return {
    refused: `its programs lack what every run needs: ${options.join(', ')}`,
    hint: 'install those of GNU there (Debian: coreutils, findutils, grep, sed), and let them be found before others',
  }
}
