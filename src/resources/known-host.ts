import { sh } from '../shell/sh.ts'
import { defaults, fileChange, inspectFile, parseFile } from './managed-file.ts'
import type { Change, Late, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'

export interface KnownHost {
  readonly name: string
  readonly keys: Late<readonly string[]>
  /** Keys that sign certificates of hosts: a key that they have signed for this name is trusted, too. */
  readonly authorities?: readonly string[]
}

/**
 * In a known_hosts file, exactly these keys for this name; lines of other names stay as they are.
 * When the host whose keys they are will not be seen in this run, what the file says stays.
 */
export function knownHost(path: string, host: KnownHost): Resource {
  return {
    id: idOf(host.name, path),
    inspect: inspectFile(path),
    diff(now, seen) {
      const keys = known(host.keys, seen)
      const file = parseFile(now)
      const present = file.kind === 'file' ? file.content : ''
      const lines = present.split('\n').filter((line) => line !== '')
      const ours = lines.filter((line) => beginnings(host.name).some((beginning) => line.startsWith(beginning)))
      if (!keys) return seen.gone(host.name) && ours.length > 0 ? 'converged' : 'later'
      const [plain, signing] = beginnings(host.name)
      const wanted = [...(host.authorities ?? []).map((key) => signing + key), ...keys.map((key) => plain + key)]
      const same = ours.length === wanted.length && wanted.every((line) => ours.includes(line))
      const others = lines.filter((line) => !ours.includes(line))
      const content = same ? present : `${[...others, ...wanted].join('\n')}\n`
      const change = fileChange(path, file, { ...defaults, content })
      return change === 'converged' || 'refused' in change ? change : { ...change, ...merging(path, host.name, wanted) }
    },
  }
}

/** Of the lines about a host. */
const beginnings = (name: string) => [`${name} `, `@cert-authority ${name} `] as const

const idOf = (name: string, path: string) => `known-host ${name} in ${path}`

/** What the file of one host says now about another; nothing while it has not been looked at. */
export function pinnedKeys(path: string, { on, name }: { on: string; name: string }, seen: Seen): string[] {
  const file = parseFile(seen.of(on, idOf(name, path)) ?? '')
  const lines = file.kind === 'file' ? file.content.split('\n') : []
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
}

/** Into the file as it is at commit: the same step may have written the keys of another name there just before. */
function merging(path: string, name: string, wanted: readonly string[]): Pick<Change, 'stage' | 'commit'> {
  const [plain, signing] = beginnings(name)
  return {
    stage: sh`printf '%s\n' ${wanted} >"$stage/candidate"`,
    commit: sh`
      : >"$stage/merged"
      if [ -e ${path} ]; then
        while IFS= read -r line || [ -n "$line" ]; do
          case $line in ${plain}* | ${signing}* | '') ;; *) printf '%s\n' "$line" ;; esac
        done <${path} >>"$stage/merged"
      fi
      cat "$stage/candidate" >>"$stage/merged"
      put "$stage/merged" ${path} ${defaults.mode} ${`${defaults.owner}:${defaults.group}`}
    `,
  }
}
