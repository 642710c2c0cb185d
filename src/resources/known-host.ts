import type { Change, Late, Resource } from '../resource.ts'
import { known } from '../resource.ts'
import { sh } from '../sh.ts'
import { defaults, fileChange, inspectFile, parseFile } from './managed-file.ts'

/**
 * In a known_hosts file, exactly these keys for this name; lines of other names stay as they are.
 * When the host whose keys they are will not be seen in this run, what the file says stays.
 */
export function knownHost(path: string, host: { name: string; keys: Late<readonly string[]> }): Resource {
  return {
    id: idOf(path, host.name),
    inspect: inspectFile(path),
    diff(now, seen) {
      const keys = known(host.keys, seen)
      const file = parseFile(now)
      const present = file.kind === 'file' ? file.content : ''
      const lines = present.split('\n').filter((line) => line !== '')
      const ours = lines.filter((line) => line.startsWith(`${host.name} `))
      if (!keys) return seen.gone(host.name) && ours.length > 0 ? 'converged' : 'later'
      const wanted = keys.map((key) => `${host.name} ${key}`)
      const same = ours.length === wanted.length && wanted.every((line) => ours.includes(line))
      const others = lines.filter((line) => !ours.includes(line))
      const content = same ? present : `${[...others, ...wanted].join('\n')}\n`
      const change = fileChange(path, file, { ...defaults, content })
      return change === 'converged' || 'refused' in change ? change : { ...change, ...merging(path, host.name, wanted) }
    },
  }
}

const idOf = (path: string, name: string) => `known-host ${name} in ${path}`

/** The keys that a host's file has for this name, as `ssh-ed25519 AAAA…`; unknown until it was looked at. */
export function trustedKeys(host: string, { path, name }: { path: string; name: string }): Late<readonly string[]> {
  return (seen) => {
    const shown = seen.of(host, idOf(path, name))
    const file = shown === undefined ? undefined : parseFile(shown)
    const rows = file?.kind === 'file' ? file.content.split('\n') : []
    return file && rows.filter((row) => row.startsWith(`${name} `)).map((row) => row.slice(name.length + 1))
  }
}

/** Into the file as it is at commit: the same step may have written the keys of another name there just before. */
function merging(path: string, name: string, wanted: readonly string[]): Pick<Change, 'stage' | 'commit'> {
  return {
    stage: sh`printf '%s\n' ${wanted} >"$stage/candidate"`,
    commit: sh`
      : >"$stage/merged"
      if [ -e ${path} ]; then
        while IFS= read -r line || [ -n "$line" ]; do
          case $line in ${`${name} `}* | '') ;; *) printf '%s\n' "$line" ;; esac
        done <${path} >>"$stage/merged"
      fi
      cat "$stage/candidate" >>"$stage/merged"
      put "$stage/merged" ${path} ${defaults.mode} ${`${defaults.owner}:${defaults.group}`}
    `,
  }
}
