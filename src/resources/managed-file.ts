import { type Sh, sh } from '../shell/sh.ts'
import { withMarksOf } from './mark.ts'
import type { Change, Late, Observed, Refused, Resource } from './resource.ts'
import { known } from './resource.ts'

export interface ManagedFile {
  readonly content: Late<string>
  /** As chmod(1) has it, without a leading zero. */
  readonly mode?: string
  readonly owner?: string
  readonly group?: string
  /** Makes it live: run after it was written, and after undo has put the old one back. */
  readonly activate?: Sh
}

/** A file with exactly this content, mode and owner. Missing folders above it are made; a link or folder is refused. */
export function managedFile(path: string, { activate, ...file }: ManagedFile): Resource {
  return {
    id: `file ${path}`,
    inspect: inspectFile(path),
    diff(now, seen) {
      const content = known(file.content, seen)
      if (content === undefined) return 'later'
      const change = fileChange(path, parseFile(now), { ...defaults, ...file, content })
      if (activate === undefined || change === 'converged' || 'refused' in change) return change
      return { ...change, activate, undo: sh`if [ -e ${path} ]; then ${activate}; fi` }
    },
  }
}

/** A file as a host showed it. */
export type FileNow = { kind: 'absent' } | { kind: 'other'; what: string } | ({ kind: 'file' } & FileWanted)

export interface FileWanted {
  readonly content: string
  readonly mode: string
  readonly owner: string
  readonly group: string
  /** The marks in it are as they are to be, line by line: see `withMarksOf`. */
  readonly asMarked?: boolean
}

export const defaults = { mode: '644', owner: 'root', group: 'root' } as const

/** Prints `file MODE OWNER GROUP` and the content, or `absent`, or what else stands there. */
export function inspectFile(path: string | Sh): Sh {
  return sh`
    if [ -L ${path} ]; then echo 'other symbolic link'
    elif [ -f ${path} ]; then stat -c 'file %a %U %G' ${path} && cat ${path}
    elif [ -e ${path} ]; then stat -c 'other %F' ${path}
    else echo absent
    fi
  `
}

export function parseFile(observed: Observed): FileNow {
  const end = observed.indexOf('\n')
  const [kind, ...words] = observed.slice(0, end < 0 ? undefined : end).split(' ')
  if (kind === 'absent') return { kind }
  if (kind !== 'file') return { kind: 'other', what: words.join(' ') || 'unreadable' }
  const [mode = '', owner = '', group = ''] = words
  return { kind, mode, owner, group, content: observed.slice(end + 1) }
}

/** From the file that is there to the one that is wanted. */
export function fileChange(path: string, now: FileNow, asked: FileWanted): Change | Refused | 'converged' {
  if (now.kind === 'other')
    return { refused: `${path} is not a plain file (${now.what})`, hint: 'move it away, then run again' }
  const keepsMarks = now.kind === 'file' && !asked.asMarked
  const wanted = keepsMarks ? { ...asked, content: withMarksOf(now.content, asked.content) } : asked
  const same = now.kind === 'file' && now.content === wanted.content
  if (same && now.mode === wanted.mode && now.owner === wanted.owner && now.group === wanted.group) return 'converged'
  const rights = `${wanted.owner}:${wanted.group} ${wanted.mode}`
  return {
    summary: now.kind === 'absent' ? 'write' : same ? `set owner and mode to ${rights}` : 'rewrite',
    text: { name: path, now: now.kind === 'file' ? now.content : '', wanted: wanted.content },
    saves: [...folders(path), path],
    stage: sh`printf %s ${wanted.content} >"$stage/candidate"`,
    commit: sh`put "$stage/candidate" ${path} ${wanted.mode} ${`${wanted.owner}:${wanted.group}`}`,
  }
}

/** The folders above a path that a commit may have to make, outermost first: what undo then takes away again. */
export function folders(path: string): string[] {
  const names = path.split('/').slice(1, -1)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}
