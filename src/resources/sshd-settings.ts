import { lines, sh } from '../shell/sh.ts'
import { defaults, type FileNow, fileChange, folders, inspectFile, parseFile } from './managed-file.ts'
import { type Mark, marked, parseMark, withMarksOf } from './mark.ts'
import type { Change, Late, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'
import { runningSshd } from './running-sshd.ts'
import {
  askSshd,
  effectiveFor,
  elsewhere,
  everybody,
  wholeConfiguration,
  winning,
  withoutInclude,
} from './sshd-effective.ts'
import { isUnread, withReload } from './sshd-reload.ts'
import { askOpenSsh } from './versions.ts'

/** A directive of sshd_config(5), for every OpenSSH, from the one that first knows it on, or on other terms. */
export type Setting = readonly [keyword: string, value: Late<string>, terms?: string | Terms]

export interface Terms {
  /** The first OpenSSH that knows it: an older one does not get it. */
  readonly since?: string
  /** The first one that has another word for it. */
  readonly before?: string
  /** It stands behind a `Match all`, so that no Match block of a later file is an exception to it. */
  readonly always?: true
  /** Where another file speaks of it, that file counts, and ours says so instead. */
  readonly yields?: true
}

export interface SshdSettings {
  /** What follows `Match`: `User tunnel`. Absent: they are for everybody. */
  readonly match?: string
  /** For whom the settings must be the effective ones. */
  readonly user: string
  /** None that applies to this version of sshd: then there is no file of ours. */
  readonly settings: readonly Setting[]
  /** The first line of the file. */
  readonly mark?: Mark
  /**
   * Several inventories may ask the same host: a file that another one made is left to it, if it says what is asked
   * here.
   */
  readonly shared?: boolean
}

/**
 * Settings of sshd in a drop-in of our own. sshd takes the first value that it reads, so a name like `00-…` goes first;
 * what counts is what sshd itself says it will do (`sshd -T -C`), whatever other files say: before it goes live, a copy
 * of the whole configuration with our drop-in in it is asked. Reload keeps the sessions that are there; it is refused
 * where it would bring into force what somebody else has written and not reloaded.
 */
export function sshdSettings(name: string, { match, user, settings, mark, shared = false }: SshdSettings): Resource {
  const path = `/etc/ssh/sshd_config.d/${name}.conf`
  const keywords = settings.map(([keyword]) => keyword.toLowerCase())
  const yielding = settings.filter(([, , terms]) => of(terms).yields).map(([keyword]) => keyword.toLowerCase())
  const who = `user=${user},host=localhost,addr=127.0.0.1`
  return {
    id: `sshd-settings ${name}`,
    facts: [runningSshd],
    asks: keywords.length === 0 ? [] : [askOpenSsh, ...(who === everybody ? [askSshd] : [])],
    inspect: lines(
      // Where nothing is wanted and nothing is there, sshd is not asked: it takes 20 ms to say all that it would do.
      keywords.length === 0 ? sh`if [ -e ${path} ] || [ -L ${path} ]; then` : undefined,
      sh`
        ${askOpenSsh}
        echo "OpenSSH_$openssh"
        ${effectiveFor(who)}
        if [ -n "$sshd_valid" ]; then echo valid; else echo "broken $(printf %s "$sshd_says" | tr '\n' ' ')"; fi
        ${keywords.length > 0 ? sh`printf '%s\n' "$sshd_says" | grep -iE ${`^(${keywords.join('|')}) `}` : sh`:`}
      `,
      keywords.length === 0 ? sh`fi` : undefined,
      yielding.length > 0 ? elsewhere(path, yielding) : undefined,
      inspectFile(path),
    ),
    diff(now, seen) {
      const host = parse(now)
      const wanted = directivesFor(settings, host, seen)
      if (wanted === undefined) return 'later'
      const present = host.file.kind === 'file' ? host.file.content : ''
      const other = shared ? parseMark(present)?.inventory : undefined
      if (other !== undefined && ![other, '-'].includes(mark?.inventory ?? '-'))
        return besideAnother(path, other, wanted, host)
      const content = withMarksOf(present, drawUp(match, wanted, mark))
      const gone = content === '' && host.file.kind !== 'other'
      const change = gone ? removal(path, host.file) : fileChange(path, host.file, { ...defaults, content })
      if (change !== 'converged' && 'refused' in change) return change
      if (gone && change === 'converged') return 'converged'
      if (host.broken !== undefined) {
        return {
          refused: `sshd's configuration is broken already: ${host.broken}`,
          hint: 'repair it until `sshd -t` prints nothing',
        }
      }
      const ruling = wanted.filter(({ leftTo }) => leftTo === undefined).flatMap(printed)
      const lost = ruling.filter((line) => !host.effective.has(line.toLowerCase()))
      if (change === 'converged' && lost.length === 0 && !isUnread(path, seen)) return 'converged'
      const unread = lost.length > 0 ? withoutInclude(seen.here?.(runningSshd.id)) : undefined
      if (unread) return unread
      const left = wanted.filter(({ leftTo }) => leftTo !== undefined)
      const whole: Change = {
        summary: [
          change === 'converged'
            ? lost.length === 0
              ? 'reload sshd, which has not read the file yet'
              : `make ${lost.map((line) => line.split(' ')[0]).join(', ')} effective`
            : `${change.summary} and reload sshd`,
          ...left.map(({ keyword, leftTo }) => `${keyword} stays as ${leftTo} has it`),
        ].join('; '),
        ...(change !== 'converged' && change.text && { text: change.text }),
        saves: [...folders(path), path],
        stage: lines(gone ? undefined : sh`printf %s ${content} >"$stage/candidate"`, wholeConfiguration(name)),
        validate: winning(name, who, ruling),
        commit: gone ? sh`rm -f ${path}` : sh`put "$stage/candidate" ${path} 644 root:root`,
      }
      return withReload({ ...whole, own: path, keywords: wanted.map(({ keyword }) => keyword), leaves: gone }, seen)
    },
  }
}

interface Directive {
  readonly keyword: string
  readonly value: string
  readonly terms: Terms
  /** The file that speaks of it, where ours yields. */
  readonly leftTo: string | undefined
}

const of = (terms: string | Terms = {}): Terms => (typeof terms === 'string' ? { since: terms } : terms)

/** The directives for this version of sshd; undefined while a value is not known yet. */
function directivesFor(settings: readonly Setting[], { version, speaks }: Host, seen: Seen): Directive[] | undefined {
  const result: Directive[] = []
  for (const [keyword, late, words] of settings) {
    const terms = of(words)
    if (terms.since !== undefined && !atLeast(version, terms.since)) continue
    if (terms.before !== undefined && atLeast(version, terms.before)) continue
    const value = known(late, seen)
    if (value === undefined) return undefined
    result.push({ keyword, value, terms, leftTo: terms.yields && speaks.get(keyword.toLowerCase()) })
  }
  return result
}

function drawUp(match: string | undefined, wanted: readonly Directive[], mark: Mark | undefined): string {
  const some = wanted.filter(({ terms }) => !terms.always)
  const always = wanted.filter(({ terms }) => terms.always)
  const text = block(match, some) + block('all', always)
  return mark && text !== '' ? marked(mark, text) : text
}

/** The file is another inventory's: it stays, and has to be right for this one, too. */
function besideAnother(path: string, other: string, wanted: readonly Directive[], { effective }: Host) {
  const ruling = wanted.filter(({ leftTo, terms }) => leftTo === undefined && !terms.yields).flatMap(printed)
  const lost = ruling.filter((line) => !effective.has(line.toLowerCase()))
  if (lost.length === 0) return 'converged'
  return {
    refused: `${path} was made for another inventory (${other}) and has other settings; wanted here: ${lost.join(', ')}`,
    hint: 'give this host the same "profile" and "passwordLogin" in both inventories',
  }
}

function block(match: string | undefined, wanted: readonly Directive[]): string {
  if (wanted.length === 0) return ''
  const indent = match === undefined ? '' : '    '
  const line = ({ keyword, value, leftTo }: Directive) =>
    leftTo === undefined ? `${keyword} ${value}` : `# ${keyword} stays as ${leftTo} has it.`
  return [match === undefined ? '' : `Match ${match}\n`, ...wanted.map((one) => `${indent}${line(one)}\n`)].join('')
}

/** As sshd -T prints it, and every part of the penalties by itself. */
function printed({ keyword, value }: Pick<Directive, 'keyword' | 'value'>): string[] {
  const parts = keyword.toLowerCase() === penalties ? value.split(' ') : [value]
  return parts.map((part) => `${keyword} ${part}`)
}

const penalties = 'persourcepenalties'

/** Nothing is wanted any more: the file goes. */
function removal(path: string, file: FileNow): Pick<Change, 'summary' | 'text'> | 'converged' {
  if (file.kind === 'absent') return 'converged'
  return { summary: 'remove', text: { name: path, now: file.kind === 'file' ? file.content : '', wanted: '' } }
}

interface Host {
  readonly version: string
  /** What sshd has against its configuration as it is. */
  readonly broken: string | undefined
  readonly effective: ReadonlySet<string>
  /** Which other file speaks of a keyword. */
  readonly speaks: ReadonlyMap<string, string>
  readonly file: FileNow
}

function parse(now: string): Host {
  const rows = now.split('\n')
  const at = rows.findIndex((row) => /^(file|absent|other)( |$)/.test(row))
  const head = rows.slice(0, at < 0 ? undefined : at)
  return {
    version: /OpenSSH_(\d+\.\d+)/.exec(head[0] ?? '')?.[1] ?? '0.0',
    broken: head[1]?.startsWith('broken') ? head[1].slice(7).trim() : undefined,
    effective: new Set(
      head.slice(2).flatMap((row) => {
        const [keyword = '', ...words] = row.toLowerCase().split(' ')
        return printed({ keyword, value: words.join(' ') })
      }),
    ),
    speaks: new Map(
      head.flatMap((row): [string, string][] => {
        const [, keyword, file] = /^elsewhere (\S+) (.+)$/.exec(row) ?? []
        return keyword && file ? [[keyword.toLowerCase(), file]] : []
      }),
    ),
    file: parseFile(at < 0 ? '' : rows.slice(at).join('\n')),
  }
}

function atLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
