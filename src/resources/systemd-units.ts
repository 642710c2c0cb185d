import { lines, type Sh, sh } from '../shell/sh.ts'
import { folders } from './managed-file.ts'
import {
  type FilesChange,
  type FilesNow,
  type FilesWanted,
  filesChange,
  type Goes,
  inspectFiles,
  parseFiles,
  phrase,
  type WantedFile,
  wantedFiles,
} from './managed-files.ts'
import { parseMark, withoutMarkLine } from './mark.ts'
import type { Change, Refused, Resource, Seen } from './resource.ts'
import { verifyUnits } from './systemd-unit.ts'
import { activateUnits, inspectStates, undoUnits } from './unit-activation.ts'
import { dropInChange, inspectDropIns, type Overruled, overrule } from './unit-drop-ins.ts'

export interface Unit extends WantedFile {
  /** The target that pulls it in: it is enabled and runs. Absent: a timer, a socket or nobody starts it. */
  readonly wantedBy?: string
}

export interface UnitOptions {
  readonly settle?: number
  readonly lingers?: readonly string[]
  /** Is a unit with this text ours. Absent: where it has our mark. */
  readonly owns?: (content: string) => boolean
  /** May this unit, which is ours and not wanted, be removed. Absent: it may. */
  readonly goes?: Goes
  /** Units of these names are taken over although somebody else made them. */
  readonly adopts?: readonly string[]
}

const home = '/etc/systemd/system'
const nameOf = (link: string) => link.replace(/.*\//, '')
const linkOf = ({ name, wantedBy }: Unit) => `${wantedBy}.wants/${name}`

/**
 * Of all units whose names begin alike, these: written, enabled, running; of others, those that are ours and may go are
 * stopped and removed. A unit of somebody else is never touched. A unit is restarted only when its own text changed
 * (its mark aside), and one that runs has to become active within `settle` seconds (restarts by systemd included), else
 * its journal is the reason of the undo. What `lingers` is not stopped when it is removed: it runs until it ends by
 * itself, and is not started again. A unit of ours that is masked is unmasked, and where a drop-in of somebody else
 * changes what it relies on, a drop-in of ours says it again.
 */
export function systemdUnits(prefix: string, units: readonly Unit[], options: UnitOptions = {}): Resource {
  const { settle = 30, lingers = [] } = options
  const pulled = units.filter(({ wantedBy }) => wantedBy !== undefined)
  return {
    id: `systemd-units ${prefix}*`,
    inspect: lines(
      inspectFiles(home, prefix),
      inspectLinks(prefix),
      inspectDropIns(prefix),
      pulled.length > 0 ? inspectStates(pulled.map(({ name }) => name)) : undefined,
    ),
    diff(now, seen) {
      const wanted = wantedFiles(units, seen)
      if (wanted === 'later') return 'later'
      const masked = [...now.matchAll(/^@masked (\S+)$/gm)].flatMap(([, name = '']) => (wanted.has(name) ? [name] : []))
      const all = new Map([...parseFiles(now)].filter(([name]) => !masked.includes(name)))
      const taken = foreign(all, wanted, options)
      if (taken) return taken
      const there = new Map([...all].filter((file) => wanted.has(file[0]) || mayGo(file, options, seen)))
      const running = pulled.filter(({ name }) => wanted.get(name) !== undefined || there.has(name))
      const files = filesChange(home, there, wanted)
      if (files !== 'converged' && 'refused' in files) return files
      const written = files === 'converged' ? undefined : files
      const overruled = overrule(now, textsOf(wanted, there), written?.removed ?? [])
      if ('refused' in overruled) return overruled
      const moved = movedBy({ now, all, there, wanted, running, files: written, lingers, masked, overruled })
      return isAsWanted(moved, written) ? 'converged' : changeOf(moved, { files: written, running, settle })
    },
  }
}

const isAsWanted = ({ enable, disable, start, overruled }: Moved, files: FilesChange | undefined) =>
  files === undefined &&
  enable.length + disable.length + start.length + overruled.write.size + overruled.remove.length === 0

/** Of each wanted unit the text that it will have. */
const textsOf = (wanted: FilesWanted, there: FilesNow) =>
  new Map(
    [...wanted]
      .flatMap(([name, content]) => ({ name, text: content ?? there.get(name)?.content }))
      .flatMap(({ name, text }) => (text === undefined ? [] : [[name, text] as const])),
  )

const together = (...texts: readonly string[]) => texts.filter(Boolean).join('\n')

interface Steps {
  /** Absent: every file is as it should be. */
  readonly files: FilesChange | undefined
  /** The wanted units that have to run. */
  readonly running: readonly Unit[]
  readonly settle: number
}

function changeOf(moved: Moved, { files, running, settle }: Steps): Change {
  const { written, restart, start, interrupted } = moved
  const { summary, effect, text = { name: home, now: '', wanted: '' }, saves = [], stage, commit } = files?.change ?? {}
  const dropIns = dropInChange(moved.overruled)
  const staged = lines(stage, ...dropIns.stage)
  return {
    summary: summaryOf(moved, summary),
    ...(effect && { effect }),
    ...((files || dropIns.saves.length > 0) && {
      text: { name: home, now: together(text.now, dropIns.now), wanted: together(text.wanted, dropIns.wanted) },
    }),
    saves: savesOf(moved, [...saves, ...dropIns.saves]),
    ...(staged.text && { stage: staged }),
    ...(written.length > 0 && { validate: verifyUnits(written) }),
    commit: lines(commit, ...dropIns.commit, ...linkChanges(moved)),
    activate: activateUnits(
      moved,
      running.map(({ name }) => name),
      restart.length + start.length > 0 ? settle : 0,
    ),
    ...(interrupted.length > 0 && { interrupts: { units: interrupted, seconds: settle } }),
    undo: undoUnits(moved),
  }
}

/** Enables and disables units by their links, without asking systemd. */
const linkChanges = ({ enable, disable }: Moved): Sh[] => [
  ...enable.map(
    (unit) =>
      sh`folder ${`${home}/${unit.wantedBy}.wants`}; ln -sfn ${`${home}/${unit.name}`} ${`${home}/${linkOf(unit)}`}`,
  ),
  ...disable.map((link) => sh`rm -f ${`${home}/${link}`}`),
]

/** A unit of the name of ours that somebody else made. */
function foreign(
  all: FilesNow,
  wanted: FilesWanted,
  { owns = hasMark, adopts = [] }: UnitOptions,
): Refused | undefined {
  const taken = [...all].find(
    ([name, { type, content }]) => type === 'f' && wanted.has(name) && !owns(content) && !adopts.includes(name),
  )
  if (!taken) return undefined
  const [name] = taken
  return {
    refused: `the unit ${home}/${name} exists already and was not made by provision`,
    hint: `rename or remove that unit yourself, or take over that unit with --adopt ${name}, which replaces its text`,
  }
}

const hasMark = (content: string) => parseMark(content) !== undefined

function mayGo(
  [name, { content }]: [string, { readonly content: string }],
  { owns = hasMark, goes = () => true }: UnitOptions,
  seen: Seen,
): boolean {
  return owns(content) && goes({ name, content }, seen)
}

interface Compared {
  readonly now: string
  readonly all: FilesNow
  /** Of all that are there: the wanted ones, and those that go. */
  readonly there: FilesNow
  readonly wanted: FilesWanted
  readonly running: readonly Unit[]
  readonly files: FilesChange | undefined
  readonly lingers: readonly string[]
  readonly masked: readonly string[]
  readonly overruled: Overruled
}

/** What has to be done, by the names of units and the paths of links. */
function movedBy({ now, all, there, wanted, running, files, lingers, masked, overruled }: Compared) {
  const { written = [], removed = [] } = files ?? {}
  const names = running.map(({ name }) => name)
  const links = new Map([...now.matchAll(/^@link (\S+) (\S+)$/gm)].map(([, link = '', to = '']) => [link, to]))
  const runs = new Set([...now.matchAll(/^@runs (\S+)$/gm)].flatMap(([, name]) => name ?? []))
  const means = (name: string) =>
    withoutMarkLine(there.get(name)?.content ?? '') !== withoutMarkLine(wanted.get(name) ?? '')
  const enable = running.filter((unit) => links.get(linkOf(unit)) !== `${home}/${unit.name}`)
  const isOurs = (link: string) => there.has(nameOf(link)) || wanted.has(nameOf(link)) || !all.has(nameOf(link))
  const disable = [...links.keys()].filter((link) => isOurs(link) && !running.some((unit) => linkOf(unit) === link))
  const anew = [...written.filter(means), ...overruled.restart]
  const restart = names.filter((name) => anew.includes(name) && runs.has(name))
  const start = names.filter((name) => !runs.has(name))
  /** Of those that others start: what runs of them runs by the old file. */
  const idle = [...new Set(anew)].filter((name) => !names.includes(name))
  return {
    ...{ written, removed, lingers, restart, start, idle, enable, disable, masked, overruled },
    interrupted: [
      ...restart,
      ...removed.filter((name) => !lingers.includes(name)),
      ...idle.filter((name) => there.has(name)),
    ],
    before: [...runs, ...disable.map((link) => nameOf(link))].filter((name) => !masked.includes(name)),
  }
}

type Moved = ReturnType<typeof movedBy>

function summaryOf(
  { removed, enable, disable, restart, start, masked, overruled }: Moved,
  files: string | undefined,
): string {
  const enabled = enable.map(({ name }) => name)
  const disabled = disable.map((link) => nameOf(link)).filter((name) => !removed.includes(name))
  return [
    ...phrase('unmask', masked),
    ...(files === undefined ? [] : [files]),
    ...overruled.summary,
    ...phrase('enable', enabled),
    ...phrase('disable', disabled),
    ...phrase('restart', restart),
    ...phrase('start', start),
  ].join(', ')
}

function savesOf({ enable, disable }: Moved, files: readonly string[]): string[] {
  const links = [...enable.map(linkOf), ...disable].flatMap((link) => [
    ...folders(`${home}/${link}`).slice(-1),
    `${home}/${link}`,
  ])
  return [...new Set([...folders(`${home}/x`), ...files, ...links])]
}

/** No process where there is no link. */
const inspectLinks = (prefix: string) => sh`
  if cd ${home} 2>/dev/null; then
    set -- *.wants/${prefix}* ${prefix}*
    for link; do
      [ -L "$link" ] || continue
      find "$@" -maxdepth 0 -type l \( -path '*.wants/*' -printf '@link %p %l\n' -o -lname /dev/null -printf '@masked %p\n' \)
      break
    done
  fi
`
