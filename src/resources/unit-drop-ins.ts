import { type Sh, sh } from '../shell/sh.ts'
import { phrase } from './managed-files.ts'
import { marked, parseMark, withMarksOf } from './mark.ts'
import type { Refused } from './resource.ts'
import { type Assignment, assignments, unitSettingNames, unitSettings, valuesOf } from './unit-settings.ts'

/**
 * Drop-ins of others that change what our units rely on (systemd.unit(5)). None of them is touched: a drop-in of our
 * own, which is read last, says again what ours says, for those settings alone, as long as somebody changes them.
 *
 * They are looked at as files, not as what systemd has read so far: what an administrator has written takes effect at
 * the next boot at the latest. A host that has none, which is nearly every one, starts no process for it.
 */

/** Read last: `zzz-lxc-service.conf`, which empties LoadCredential in containers of LXC and Incus, comes before it. */
const ownName = 'zzzz-provision.conf'
const ownPath = (unit: string) => `${home}/${unit}.d/${ownName}`
const home = '/etc/systemd/system'

/** Where systemd looks for units, first what wins. */
const searchPath = [
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
  '/run/systemd/transient',
  '/run/systemd/generator.early',
  home,
  '/etc/systemd/system.attached',
  '/run/systemd/system',
  '/run/systemd/system.attached',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/run/systemd/generator.late',
]

/**
 * Prints `@drop-in FILE:LINE` for each line that sets what we rely on, and `@mask FILE` for a drop-in that only hides
 * others.
 */
export function inspectDropIns(prefix: string): Sh {
  const kinds = ['service', 'socket']
  const shorter = beginnings(prefix).filter((each) => each !== prefix)
  const folders = [...kinds, ...shorter.flatMap((each) => kinds.map((kind) => `${each}.${kind}`))]
  const pattern = `^(# provision |[[:space:]]*(${unitSettingNames.join('|')})[[:space:]]*=)`
  return sh`
    set --
    for dir in ${searchPath}; do
      for file in ${folders.map((each) => sh`"$dir"/${`${each}.d`}/*.conf`)} "$dir"/${prefix}*.d/*.conf; do
        if [ -f "$file" ]; then set -- "$@" "$file"; elif [ -e "$file" ]; then echo "@mask $file"; fi
      done
    done
    [ $# -eq 0 ] || grep -HE ${pattern} "$@" | sed 's/^/@drop-in /'
  `
}

/** `a-b-c` → `a-`, `a-b-`: drop-ins of such a name apply to every unit that begins so. */
const beginnings = (name: string) => [...name.matchAll(/-/g)].map(({ index }) => name.slice(0, index + 1))

interface DropIn {
  readonly path: string
  /** Of its folder, without `.d`. */
  readonly of: string
  readonly name: string
  readonly text: string
}

function parseDropIns(now: string): DropIn[] {
  const texts = new Map<string, string>()
  for (const [, path = '', line] of now.matchAll(/^@(?:mask|drop-in) (.+?\.conf)(?::(.*))?$/gm))
    texts.set(path, `${texts.get(path) ?? ''}${line === undefined ? '' : `${line}\n`}`)
  const found = [...texts].map(([path, text]) => {
    const [name = '', folder = '', ...above] = path.split('/').reverse()
    return { path, name, of: folder.replace(/\.d$/, ''), text, place: searchPath.indexOf(above.reverse().join('/')) }
  })
  return found.sort((one, two) => one.place - two.place)
}

/**
 * Those of others that systemd would read for this unit, in its order: of files of one name only that of the nearest
 * folder.
 */
function applying(unit: string, all: readonly DropIn[]): DropIn[] {
  const kind = unit.replace(/.*\./, '')
  const nearest = [
    unit,
    ...beginnings(unit)
      .reverse()
      .map((each) => `${each}.${kind}`),
    kind,
  ]
  const found = nearest.flatMap((folder) => all.filter(({ of, path }) => of === folder && path !== ownPath(unit)))
  return [...new Map(found.toReversed().map((each) => [each.name, each])).values()].sort((one, two) =>
    one.name < two.name ? -1 : 1,
  )
}

interface Changed {
  readonly setting: string
  readonly ours: readonly string[]
  /** Who changes it, and to what. */
  readonly by: DropIn
  readonly value: string
}

/** What drop-ins of others make of the settings of this unit. */
function changed(unit: string, content: string, dropIns: readonly DropIn[]): Changed[] {
  const own = assignments(content)
  const foreign = dropIns.flatMap((by) => assignments(by.text).map((each) => ({ ...each, by })))
  return [...unitSettings].flatMap(([setting, { section, usual, differs }]) => {
    const rows: Assignment[] = own.filter(({ name }) => name === setting)
    const lastOne = foreign.findLast(({ name }) => name === setting)
    const applies = section === 'Unit' || unit.endsWith(`.${section.toLowerCase()}`)
    if (!applies || !lastOne || (rows.length === 0 && !usual)) return []
    const ours = rows.length > 0 ? valuesOf(setting, rows) : (usual ?? [])
    if (!differs(ours, valuesOf(setting, [...rows, ...foreign]))) return []
    return [{ setting, ours, by: lastOne.by, value: lastOne.value }]
  })
}

/** A drop-in of ours that says these settings again: an empty assignment first takes back what a list has. */
function ownDropIn(content: string, all: readonly Changed[]): string {
  const sections = [...new Set(all.map(({ setting }) => unitSettings.get(setting)?.section ?? 'Unit'))]
  const text = sections.map((section) => {
    const rows = all.filter(({ setting }) => unitSettings.get(setting)?.section === section)
    return [`[${section}]\n`, ...rows.map(sayAgain)].join('')
  })
  return marked(parseMark(content) ?? { inventory: '-' }, text.join(''))
}

function sayAgain({ setting, ours }: Changed): string {
  const reset = unitSettings.get(setting)?.list ? [''] : []
  return [...reset, ...ours].map((value) => `${setting}=${value}\n`).join('')
}

export interface Overruled {
  /** Unit → its drop-in of ours. */
  readonly write: ReadonlyMap<string, string>
  /** Units whose drop-in of ours goes. */
  readonly remove: readonly string[]
  /** Units that follow only when they are started anew. */
  readonly restart: readonly string[]
  readonly summary: readonly string[]
  /** Of the drop-ins of ours that are written or go: the lines that are there. */
  readonly before: ReadonlyMap<string, string>
}

/**
 * From what a host showed to drop-ins of ours for these units (name → text), and to none for those that are removed.
 */
export function overrule(
  now: string,
  units: ReadonlyMap<string, string>,
  removed: readonly string[],
): Overruled | Refused {
  const all = parseDropIns(now)
  const write = new Map<string, string>()
  const remove: string[] = []
  const restart: string[] = []
  const before = new Map<string, string>()
  const causes = new Map<DropIn, { readonly settings: Set<string>; readonly units: Set<string> }>()
  for (const unit of [...units.keys(), ...removed]) {
    const own = all.find(({ path }) => path === ownPath(unit))
    if (own && !parseMark(own.text))
      return { refused: `${own.path} was not made by provision`, hint: 'move it away, then run again' }
    const content = units.get(unit) ?? ''
    const found = changed(unit, content, units.has(unit) ? applying(unit, all) : [])
    const late = found.find(({ by }) => by.name > ownName)
    if (late) return tooLate(unit, late)
    if (found.length === 0) {
      if (own) remove.push(unit)
    } else {
      const wanted = withMarksOf(own?.text ?? '', ownDropIn(content, found))
      const shown = wanted.replaceAll(/^\[.*\n/gm, '')
      if (own?.text === shown) continue
      write.set(unit, wanted)
      const isNew = ({ setting, ours }: Changed) =>
        valuesOf(setting, assignments(own?.text ?? '')).join('\n') !== ours.join('\n') || !own
      if (found.some((each) => !unitSettings.get(each.setting)?.live && isNew(each))) restart.push(unit)
      for (const { setting, by, value } of found) {
        const cause = causes.get(by) ?? { settings: new Set(), units: new Set() }
        causes.set(by, cause)
        cause.settings.add(`${setting}=${value}`)
        cause.units.add(unit)
      }
    }
    if (own) before.set(unit, own.text)
  }
  const summary = [...causes].flatMap(([by, { settings, units: names }]) =>
    phrase(`overrule ${[...settings].join(', ')}, set by ${by.path} for`, [...names]),
  )
  const gone = phrase(
    'remove',
    remove.map((unit) => `${unit}.d/${ownName}`),
  )
  return { write, remove, restart, before, summary: [...summary, ...gone] }
}

const tooLate = (unit: string, { setting, value, by }: Changed): Refused => ({
  refused: `${by.path} sets ${setting}=${value} for ${unit}, which the tunnel relies on, and is read after every drop-in of ours`,
  hint: `take ${setting} out of that file, or give it a name that comes before ${ownName}`,
})

/** The pieces of a change, and what a person compares. */
export function dropInChange({ write, remove, before }: Overruled) {
  const units = [...write.keys(), ...remove]
  const print = (texts: ReadonlyMap<string, string>) =>
    units.flatMap((unit) => (texts.has(unit) ? [`# ${unit}.d/${ownName}\n${texts.get(unit)}`] : [])).join('\n')
  return {
    now: print(before),
    wanted: print(write),
    saves: units.flatMap((unit) => [`${home}/${unit}.d`, ownPath(unit)]),
    stage: [...write].map(([unit, text]) => sh`printf %s ${text} >"$stage/"${`${unit}.drop-in`}`),
    commit: [
      ...[...write.keys()].map((unit) => sh`put "$stage/"${`${unit}.drop-in`} ${ownPath(unit)} 644 root:root`),
      ...remove.map(
        (unit) =>
          sh`rm -f ${ownPath(unit)}; if [ -d ${`${home}/${unit}.d`} ]; then rmdir --ignore-fail-on-non-empty ${`${home}/${unit}.d`}; fi`,
      ),
    ],
  }
}
