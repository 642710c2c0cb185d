import type { Resource } from '../resource.ts'
import { lines, type Sh, sh } from '../sh.ts'
import { folders } from './managed-file.ts'

/** No such file or folder; of a folder, everything in it goes with it. `activate` and `undo` as in a Change. */
export function absent(path: string, more: { activate?: Sh; undo?: Sh } = {}): Resource {
  return {
    id: `no ${path}`,
    inspect: sh`if [ -e ${path} ] || [ -L ${path} ]; then find ${path} -printf '%y %p\n' | sort -k 2; fi`,
    diff(now) {
      const found = [...now.matchAll(/^(\S) (.+)$/gm)].map(([, type = '', name = '']) => ({ type, name }))
      if (found.length === 0) return 'converged'
      const odd = found.find(({ type }) => !'fld'.includes(type))
      if (odd)
        return { refused: `${odd.name} is neither file nor link nor folder`, hint: 'move it away, then run again' }
      const files = found.filter(({ type }) => type !== 'd').map(({ name }) => name)
      const inside = found.filter(({ type }) => type === 'd').map(({ name }) => name)
      return {
        summary: files.length > 1 ? `remove, with ${files.length} files` : 'remove',
        saves: [...folders(path), ...found.map(({ name }) => name)],
        commit: lines(
          files.length > 0 ? sh`rm -f ${files}` : undefined,
          inside.length > 0 ? sh`rmdir ${[...inside].reverse()}` : undefined,
        ),
        ...more,
      }
    },
  }
}
