import { type Sh, sh } from '../shell/sh.ts'
import type { Refused } from './resource.ts'

/**
 * A system account has a group of its own name. useradd makes none where such a group is there already, left over from
 * an account that was removed, say; whose it is cannot be told, for a group bears no mark.
 */
export function inspectGroups(names: Sh): Sh {
  return sh`
    while IFS=: read -r group _ id members; do
      case $group in ${names}) echo "@group $group $id $members" ;; esac
    done </etc/group
  `
}

/** Why an account of this name cannot be made. */
export function groupInTheWay(now: string, name: string): Refused | undefined {
  for (const [, group, id, members] of now.matchAll(/^@group (\S+) (\d+) ?(.*)$/gm)) {
    if (group !== name) continue
    return {
      refused: `a group ${name} exists already (group id ${id}${members ? `, members ${members}` : ''}), and no account of that name`,
      hint: `if nobody needs that group (\`find / -xdev -group ${name}\`), remove it with \`groupdel ${name}\` and run again; else rename it (\`groupmod -n OTHER ${name}\`)`,
    }
  }
  return undefined
}
