import type { Change, Late, Refused, Resource } from '../resource.ts'
import { known } from '../resource.ts'
import { lines, sh } from '../sh.ts'
import { defaults, type FileNow, fileChange, folders, inspectFile, parseFile } from './managed-file.ts'

/** A directive of sshd_config(5); `since`: the first OpenSSH that knows it, an older one is not told. */
export type Setting = readonly [keyword: string, value: Late<string>, since?: string]
type Known = readonly [keyword: string, value: string]

export interface SshdSettings {
  /** What follows `Match`: `User tunnel`. */
  readonly match: string
  /** For whom the settings must be the effective ones. */
  readonly user: string
  /** None: there is no such drop-in. */
  readonly settings: readonly Setting[]
}

/**
 * Settings of sshd in a drop-in of our own. sshd takes the first value that it reads, so a name like `00-…` goes first;
 * what counts is what sshd itself says it will do (`sshd -T -C`), whatever other files say: before it goes live, a copy
 * of the whole configuration with our drop-in in it is asked. Reload keeps the sessions that are there.
 */
export function sshdSettings(name: string, { match, user, settings }: SshdSettings): Resource {
  const path = `/etc/ssh/sshd_config.d/${name}.conf`
  const keywords = settings.map(([keyword]) => keyword.toLowerCase())
  const who = `user=${user},host=localhost,addr=127.0.0.1`
  return {
    id: `sshd-settings ${name}`,
    inspect: sh`
      [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
      ssh -V 2>&1
      if why=$(sshd -t 2>&1); then echo valid; else echo "broken $(printf %s "$why" | tr '\n' ' ')"; fi
      ${keywords.length > 0 ? sh`sshd -T -C ${who} | grep -iE ${`^(${keywords.join('|')}) `} | sort` : sh`:`}
      ${inspectFile(path)}
    `,
    diff(now, seen) {
      const { version, broken, effective, file } = parse(now)
      const wanted: Known[] = []
      for (const [keyword, late, since] of settings) {
        const value = known(late, seen)
        if (value === undefined) return 'later'
        if (since === undefined || atLeast(version, since)) wanted.push([keyword, value])
      }
      if (settings.length === 0) return absent(path, file)
      const content = `${[`Match ${match}`, ...wanted.map(([keyword, value]) => `    ${keyword} ${value}`)].join('\n')}\n`
      const change = fileChange(path, file, { ...defaults, content })
      if (change !== 'converged' && 'refused' in change) return change
      if (broken !== undefined) {
        return {
          refused: `sshd's configuration is broken already: ${broken}`,
          hint: 'mend it so that `sshd -t` is silent',
        }
      }
      const lost = wanted.filter(([keyword, value]) => !effective.has(`${keyword} ${value}`.toLowerCase()))
      if (change === 'converged' && lost.length === 0) return 'converged'
      return {
        summary:
          change === 'converged'
            ? `make ${lost.map(([keyword]) => keyword).join(', ')} effective`
            : `${change.summary} and reload sshd`,
        ...(change !== 'converged' && change.text && { text: change.text }),
        saves: [...folders(path), path],
        stage: lines(sh`printf %s ${content} >"$stage/candidate"`, wholeConfiguration(name)),
        validate: winning(who, wanted),
        commit: sh`put "$stage/candidate" ${path} 644 root:root`,
        activate: reloadSshd,
        undo: reloadSshd,
      }
    },
  }
}

/** Every session that is there stays. */
export const reloadSshd = sh`
  for service in ssh.service sshd.service; do
    if systemctl is-active --quiet "$service"; then systemctl reload "$service"; break; fi
  done
`

function absent(path: string, file: FileNow): Change | Refused | 'converged' {
  if (file.kind === 'absent') return 'converged'
  if (file.kind === 'other') return { refused: `${path} is no plain file but a ${file.what}` }
  const text = { name: path, now: file.content, wanted: '' }
  return {
    summary: 'remove and reload sshd',
    text,
    saves: [path],
    commit: sh`rm -f ${path}`,
    activate: reloadSshd,
    undo: reloadSshd,
  }
}

/** A copy of the configuration as it will be, with its Include turned to the copied drop-ins. */
function wholeConfiguration(name: string) {
  return sh`
    mkdir "$stage/drop-ins"
    for file in /etc/ssh/sshd_config.d/*.conf; do
      if [ -e "$file" ]; then cp "$file" "$stage/drop-ins"; fi
    done
    cp "$stage/candidate" "$stage/drop-ins/"${`${name}.conf`}
    sed -E "s#^([[:space:]]*Include[[:space:]]+)(/etc/ssh/)?sshd_config[.]d/#\1$stage/drop-ins/#I" \
      /etc/ssh/sshd_config >"$stage/sshd_config"
  `
}

/** Fails, naming the files that say otherwise, unless every setting is the one that sshd would follow. */
function winning(who: string, wanted: readonly Known[]) {
  return sh`
    sshd -t -f "$stage/sshd_config"
    sshd -T -f "$stage/sshd_config" -C ${who} >"$stage/effective"
    lost=
    for line in ${wanted.map(([keyword, value]) => `${keyword} ${value}`)}; do
      grep -qixF -e "$line" "$stage/effective" && continue
      lost=1
      keyword=\${line%% *}
      echo "wanted \"$line\", but sshd would take \"$(grep -i "^$keyword " "$stage/effective")\"" >&2
      grep -sinE "^[[:space:]]*\${keyword}[[:space:]=]" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf >&2 || :
    done
    [ -z "$lost" ] && exit
    grep -qiE '^[[:space:]]*Include[[:space:]].*sshd_config[.]d/' /etc/ssh/sshd_config ||
      echo '/etc/ssh/sshd_config does not include /etc/ssh/sshd_config.d/*.conf' >&2
    exit 1
  `
}

function parse(now: string) {
  const rows = now.split('\n')
  const at = rows.findIndex((row) => /^(file|absent|other)( |$)/.test(row))
  const head = rows.slice(0, at < 0 ? undefined : at)
  return {
    version: /OpenSSH_(\d+\.\d+)/.exec(head[0] ?? '')?.[1] ?? '0.0',
    broken: head[1]?.startsWith('broken') ? head[1].slice(7).trim() : undefined,
    effective: new Set(head.slice(2).map((row) => row.toLowerCase())),
    file: parseFile(at < 0 ? '' : rows.slice(at).join('\n')),
  }
}

function atLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
