import { sh } from '../shell/sh.ts'
import type { Resource } from './resource.ts'

/** What must be installed before anything else is changed on this host. Installs nothing: `hint` says how to. */
export function programs(paths: readonly string[], hint: string): Resource {
  return {
    id: `programs ${paths.join(', ')}`,
    inspect: sh`for program in ${paths}; do command -v "$program" >/dev/null || echo "missing $program"; done`,
    diff(now) {
      const missing = [...now.matchAll(/^missing (.+)$/gm)].map(([, path = '']) => path)
      return missing.length === 0 ? 'converged' : { refused: `this host has no ${missing.join(' and no ')}`, hint }
    },
  }
}
