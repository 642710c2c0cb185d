import { lines, type Sh, sh } from '../shell/sh.ts'
import { folders } from './managed-file.ts'
import type { Resource } from './resource.ts'

export interface AbsentOptions {
  /** As in a Change. */
  readonly activate?: Sh
  readonly undo?: Sh
  /**
   * Of a folder: is this path in it ours? What is not stays, and the folders that it is in. Absent: everything goes.
   */
  readonly owns?: (path: string) => boolean
}

/** No such file or folder; of a folder, everything in it that is ours goes with it. */
export function absent(path: string, { owns = () => true, ...more }: AbsentOptions = {}): Resource {
  return {
    id: `no ${path}`,
    inspect: sh`if [ -e ${path} ] || [ -L ${path} ]; then find ${path} -printf '%y %p\n' | sort -k 2; fi`,
    diff(now) {
      const all = [...now.matchAll(/^(\S) (.+)$/gm)].map(([, type = '', name = '']) => ({ type, name }))
      const foreign = all.filter(({ type, name }) => name !== path && type !== 'd' && !owns(name))
      const holdsForeign = (folder: string) => foreign.some(({ name }) => name.startsWith(`${folder}/`))
      const found = all.filter(({ type, name }) =>
        type === 'd' ? !holdsForeign(name) : !foreign.some((one) => one.name === name),
      )
      if (found.length === 0) return 'converged'
      const odd = found.find(({ type }) => !'fld'.includes(type))
      if (odd) return { refused: `${odd.name} is not a file, a link or a folder`, hint: 'move it away, then run again' }
      const files = found.filter(({ type }) => type !== 'd').map(({ name }) => name)
      const inside = found.filter(({ type }) => type === 'd').map(({ name }) => name)
      const stays =
        foreign.length > 0
          ? `; kept, since provision did not make it: ${foreign.map(({ name }) => name).join(', ')}`
          : ''
      return {
        summary: `${files.length > 1 ? `remove, with ${files.length} files` : 'remove'}${stays}`,
        effect: 'remove',
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
