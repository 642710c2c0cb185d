import type { Late, Resource } from '../resource.ts'
import { known } from '../resource.ts'
import { defaults, fileChange, inspectFile, parseFile } from './managed-file.ts'

/**
 * In a known_hosts file, exactly these keys for this name; lines of other names stay as they are.
 * When the host whose keys they are will not be seen in this run, what the file says stays.
 */
export function knownHost(path: string, host: { name: string; keys: Late<readonly string[]> }): Resource {
  return {
    id: `known-host ${host.name} in ${path}`,
    inspect: inspectFile(path),
    diff(now, seen) {
      const keys = known(host.keys, seen)
      const file = parseFile(now)
      const present = file.kind === 'file' ? file.content : ''
      const lines = present.split('\n').filter((line) => line !== '')
      const ours = lines.filter((line) => line.startsWith(`${host.name} `))
      if (!keys) return seen.gone(host.name) && ours.length > 0 ? 'converged' : 'later'
      const wanted = keys.map((key) => `${host.name} ${key}`)
      if (ours.length === wanted.length && wanted.every((line) => ours.includes(line))) {
        return fileChange(path, file, { ...defaults, content: present })
      }
      const others = lines.filter((line) => !ours.includes(line))
      return fileChange(path, file, { ...defaults, content: `${[...others, ...wanted].join('\n')}\n` })
    },
  }
}
