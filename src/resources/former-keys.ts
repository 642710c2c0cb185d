import { lines, sh } from '../shell/sh.ts'
import { lockedOut, parseKeyLine, takenAway } from './authorized-keys.ts'
import { type FileNow, inspectFile, parseFile } from './managed-file.ts'
import { isMarkedBy, type Mark, printMark } from './mark.ts'
import type { Refused, Resource } from './resource.ts'

export interface FormerKeys {
  /** Of the lines that may go. */
  readonly mark: Mark
  /** The accounts whose keys something else looks after. */
  readonly named: readonly string[]
  /** The host itself: the key by which this run logged in there is not taken away. */
  readonly host: string
}

/**
 * Of accounts that are not named any more, the keys that were put there: whatever else is theirs stays. Looked for
 * wherever sshd may look for keys of an account, with one process for all files that are there.
 */
export function formerKeys({ mark, named, host }: FormerKeys): Resource {
  return {
    id: 'keys of people who left',
    inspect: sh`
      patterns=$(sed -n 's/^[[:blank:]]*AuthorizedKeysFile[[:blank:]=]*//Ip' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf)
      set -f
      nl=${'\n'}
      all() {
        getent passwd | while IFS=: read -r name _ _ _ _ home _; do
          case $home in *%*) continue ;; esac
          for path in .ssh/authorized_keys .ssh/authorized_keys2 $patterns; do
            while :; do
              case $path in
                *%u*) path=\${path%%%u*}$name\${path#*%u} ;;
                *%h*) path=\${path%%%h*}$home\${path#*%h} ;;
                *) break ;;
              esac
            done
            case $path in /*) ;; *) path=\${home%/}/$path ;; esac
            echo "$name:$path"
          done
        done
      }
      show() {
        path=$1
        if [ -L "\${path%/*}" ]; then
          echo 'other file behind a symbolic link'
          return
        fi
        ${inspectFile(sh`"$path"`)}
      }
      found=$(all | {
        set --
        while IFS=: read -r _ path; do if [ -f "$path" ]; then set -- "$@" "$path"; fi; done
        [ $# = 0 ] || grep -lsE -e ${`provision ${mark.inventory}[[:blank:]]*$`} "$@"
      })
      if [ -n "$found" ]; then
        all | sort -u | while IFS=: read -r name path; do
          case "$nl$found$nl" in *"$nl$path$nl"*)
            echo "@keys $name $path"
            show "$path" | sed 's/^/ /'
            ;;
          esac
        done
      fi
    `,
    diff(now, seen) {
      const files = parse(now).filter(
        ({ path }, _, all) => !all.some((file) => file.path === path && named.includes(file.account)),
      )
      const changed = files.flatMap(({ account, path, file }) => {
        const before = file.kind === 'file' ? file.content : ''
        const after = without(before, mark)
        return file.kind === 'file' && after === before ? [] : [{ account, path, file, before, after }]
      })
      for (const { account, path, file, before, after } of changed) {
        if (file.kind !== 'file') return notPlain(path, file, mark)
        const locked = lockedOut({ account, host, before, after }, seen)
        if (locked) return locked
      }
      if (changed.length === 0) return 'converged'
      const names = changed.map(
        ({ account, before, after }) => `${takenAway(before, after).join(', ')} from ${account}`,
      )
      const print = (text: (file: (typeof changed)[number]) => string) =>
        changed.map((file) => `# ${file.path}\n${text(file)}`).join('\n')
      return {
        summary: `remove ${names.join('; ')}`,
        effect: 'remove',
        text: { name: 'authorized keys', now: print(({ before }) => before), wanted: print(({ after }) => after) },
        saves: changed.flatMap(({ path }) => [path.replace(/\/[^/]*$/, ''), path]),
        stage: lines(...changed.map(({ after }, index) => sh`printf %s ${after} >"$stage/"${index}`)),
        commit: lines(...changed.map(({ path, file }, index) => sh`put "$stage/"${index} ${path} ${rights(file)}`)),
      }
    },
  }
}

/** The accounts, each file once. */
function parse(now: string): { account: string; path: string; file: FileNow }[] {
  const parts = now.split(/^@keys /m).slice(1)
  return parts.flatMap((part) => {
    const [head = '', ...rows] = part.split('\n')
    const [, account = '', path = ''] = /^(\S+) (.*)$/.exec(head) ?? []
    return [{ account, path, file: parseFile(rows.map((row) => row.slice(1)).join('\n')) }]
  })
}

function without(content: string, mark: Mark): string {
  return content
    .split(/(?<=\n)/)
    .filter((line) => parseKeyLine(line.trimEnd()) === undefined || !isMarkedBy(line, mark))
    .join('')
}

const rights = (file: FileNow) => (file.kind === 'file' ? [file.mode, `${file.owner}:${file.group}`] : [])

const notPlain = (path: string, file: FileNow, mark: Mark): Refused => ({
  refused: `${path} holds keys that must be removed, and is not a plain file (${file.kind === 'other' ? file.what : file.kind})`,
  hint: `remove the lines that end with "${printMark(mark)}" from it, then run again`,
})
