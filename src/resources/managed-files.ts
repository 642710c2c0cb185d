import { lines, type Sh, sh } from '../shell/sh.ts'
import { defaults, folders } from './managed-file.ts'
import { withMarksOf } from './mark.ts'
import type { Change, Late, Observed, Refused, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'

export interface WantedFile {
  readonly name: string
  readonly content: Late<string>
  /** Whose inspect the content comes from: while that host is gone, what stands there stays. */
  readonly host?: string
}

/** Of a file that is there and not wanted: may it be removed. */
export type Goes = (file: { readonly name: string; readonly content: string }, seen: Seen) => boolean

/** Of a folder, these files, owned by root and readable by all; of others in it, those that may go are removed. */
export function managedFiles(
  folder: string,
  files: readonly WantedFile[],
  { goes = () => false }: { readonly goes?: Goes } = {},
): Resource {
  return {
    id: `files in ${folder}`,
    inspect: inspectFiles(folder),
    diff(now, seen) {
      const wanted = wantedFiles(files, seen)
      if (wanted === 'later') return 'later'
      const stays = ([name, { content }]: [string, { content: string }]) =>
        !wanted.has(name) && !goes({ name, content }, seen)
      const there = new Map([...parseFiles(now)].filter((file) => !stays(file)))
      const change = filesChange(folder, there, wanted)
      return change === 'converged' || 'refused' in change ? change : change.change
    },
  }
}

/** As a host showed them. */
export type FilesNow = ReadonlyMap<string, { readonly type: string; readonly rights: string; readonly content: string }>

/** Name → content; undefined: whatever stands there. */
export type FilesWanted = ReadonlyMap<string, string | undefined>

export function wantedFiles(files: readonly WantedFile[], seen: Seen): FilesWanted | 'later' {
  const wanted = new Map<string, string | undefined>()
  for (const { name, content: late, host } of files) {
    const content = known(late, seen)
    if (content === undefined && !(host && seen.gone(host))) return 'later'
    wanted.set(name, content)
  }
  return wanted
}

/**
 * Prints `@file NAME TYPE RIGHTS` for each file, and `@line NAME:TEXT` for each line of one; three processes for them
 * all, and none where there is no file. The shell has put them in order.
 */
export function inspectFiles(folder: string, beginning = ''): Sh {
  const patterns = beginning === '' ? sh`./.[!.]* ./*` : sh`./${beginning}*`
  return sh`
    if cd ${folder} 2>/dev/null; then
      for file in ${patterns}; do
        [ -e "$file" ] || [ -L "$file" ] || continue
        find ${patterns} -maxdepth 0 -printf '@file %f %y %m:%u:%g\n' -type f -exec grep -H '' {} + | sed 's/^\.\//@line /'
        break
      done
    fi
  `
}

export function parseFiles(now: Observed): FilesNow {
  const contents = new Map<string, string>()
  for (const [, name = '', line = ''] of now.matchAll(/^@line ([^:\n]*):(.*)$/gm))
    contents.set(name, `${contents.get(name) ?? ''}${line}\n`)
  const files = [...now.matchAll(/^@file (\S+) (\S+) (\S+)$/gm)]
  return new Map(
    files.map(([, name = '', type = '', rights = '']) => [name, { type, rights, content: contents.get(name) ?? '' }]),
  )
}

export interface FilesChange {
  readonly change: Change
  readonly written: readonly string[]
  readonly removed: readonly string[]
}

/** From the files that are there to exactly those that are wanted. */
export function filesChange(folder: string, now: FilesNow, asked: FilesWanted): FilesChange | Refused | 'converged' {
  const wanted = new Map(
    [...asked].map(([name, content]) => [name, content && withMarksOf(now.get(name)?.content ?? '', content)]),
  )
  const rights = `${defaults.mode}:${defaults.owner}:${defaults.group}`
  const other = [...now].find(([name, { type }]) => type !== 'f' && wanted.has(name))
  if (other) return { refused: `${folder}/${other[0]} is not a plain file`, hint: 'move it away, then run again' }
  const written = [...wanted].flatMap(([name, content]) => {
    const there = now.get(name)
    return content === undefined || (there?.content === content && there.rights === rights) ? [] : [name]
  })
  const removed = [...now].flatMap(([name, { type }]) => (wanted.has(name) || type !== 'f' ? [] : [name]))
  if (written.length + removed.length === 0) return 'converged'
  const touched = [...written, ...removed].sort()
  const print = (content: (name: string) => string | undefined) =>
    touched.flatMap((name) => (content(name) === undefined ? [] : [`# ${name}\n${content(name)}`])).join('\n')
  const path = (name: string) => `${folder}/${name}`
  return {
    written,
    removed,
    change: {
      summary: [...phrase('write', written), ...phrase('remove', removed)].join(', '),
      ...(removed.length > 0 && { effect: 'remove' }),
      text: {
        name: folder,
        now: print((name) => now.get(name)?.content),
        wanted: print((name) => wanted.get(name)),
      },
      saves: [...folders(path('x')), ...touched.map(path)],
      stage: lines(...written.map((name) => sh`printf %s ${wanted.get(name) ?? ''} >"$stage/"${name}`)),
      commit: lines(
        ...written.map((name) => sh`put "$stage/"${name} ${path(name)} ${defaults.mode} root:root`),
        ...removed.map((name) => sh`rm -f ${path(name)}`),
      ),
    },
  }
}

/** `write a.service, b.service and 3 more`. */
export function phrase(verb: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  const more = names.length > 4 ? ` and ${names.length - 3} more` : ''
  return [`${verb} ${(more ? names.slice(0, 3) : names).join(', ')}${more}`]
}
