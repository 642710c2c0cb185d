import { lines, sh } from '../shell/sh.ts'
import { defaults, fileChange, inspectFile, parseFile } from './managed-file.ts'
import { isMarkedBy, type Mark, parseMark, printMark, withoutMark } from './mark.ts'
import type { Change, Late, Refused, Resource, Seen } from './resource.ts'
import { known } from './resource.ts'

export interface AuthorizedKey {
  /** `ssh-ed25519 AAAA…`; empty: there is none. */
  readonly key: Late<string>
  /** `restrict,port-forwarding,…`; absent: none for a new line, and whatever stands there for one that exists. */
  readonly options?: string
  readonly comment?: string
  /** Whose inspect the key comes from: while that host is gone, the lines with this comment stay. */
  readonly host?: string
}

export interface AuthorizedKeys {
  readonly keys: readonly AuthorizedKey[]
  /** Take away keys that are not listed. Comment lines stay. */
  readonly exclusive?: boolean
  /** A file of root's, out of the account's reach. Absent: where sshd looks for this account's keys. */
  readonly file?: string
  /** At the end of the lines that are written here. A line that ends with it and is not listed goes. */
  readonly mark?: Mark
  /** The host that the account is on: the key by which this run logged in to the account is not taken away. */
  readonly host?: string
}

/**
 * The public keys by which people (or a tunnel) log in to an account. Other people's lines and options stay untouched:
 * those without a mark, and those with the mark of another inventory.
 */
export function authorizedKeys(account: string, wanted: AuthorizedKeys): Resource {
  return {
    id: `authorized-keys ${account}`,
    inspect: wanted.file
      ? inspectFile(wanted.file)
      : lines(
          locate(account),
          sh`echo "$path"`,
          sh`if [ -L "\${path%/*}" ]; then echo 'other file behind a symbolic link'; exit; fi`,
          inspectFile(sh`"$path"`),
        ),
    diff(now, seen) {
      const end = wanted.file ? -1 : now.indexOf('\n')
      const path = wanted.file ?? now.slice(0, end)
      const file = parseFile(now.slice(end + 1))
      const before = file.kind === 'file' ? file.content : ''
      const content = merge(before, wanted, seen)
      if (content === undefined) return 'later'
      const locked = lockedOut({ account, host: wanted.host, before, after: content }, seen)
      if (locked) return locked
      if (file.kind === 'absent' && content === '') return 'converged'
      if (wanted.file) return fileChange(wanted.file, file, { ...defaults, content })
      const rights =
        file.kind === 'file' ? { mode: file.mode, owner: file.owner, group: file.group } : privately(account)
      const change = fileChange(path || `~${account}/.ssh/authorized_keys`, file, {
        ...rights,
        content,
        asMarked: true,
      })
      return inHome(account, path, naming(takenAway(before, content), change))
    },
  }
}

const privately = (account: string) => ({ mode: '600', owner: account, group: '' })

/** Asks sshd where it looks, and sets $path; empty while the account does not exist. */
function locate(account: string) {
  return sh`
    home=$(getent passwd ${account})
    home=\${home%:*}
    home=\${home##*:}
    [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
    path=$(sshd -T -C user=${account},host=localhost,addr=127.0.0.1 | sed -n 's/^authorizedkeysfile \([^ ]*\).*/\1/p')
    path=\${path:-.ssh/authorized_keys}
    case $path in *%*) path=$(printf %s "$path" | sed "s#%h#$home#; s#%u#"${account}"#; s#%%#%#") ;; esac
    case $path in /*) ;; *) path=$home/$path ;; esac
    [ -n "$home" ] || path=
  `
}

/** In a home the folder is the account's own, and an account made in this very step has no path until commit. */
function inHome(account: string, path: string, change: Change | Refused | 'converged'): Change | Refused | 'converged' {
  if (change === 'converged' || 'refused' in change) return change
  return {
    ...change,
    saves: path ? [path.replace(/\/[^/]*$/, ''), path] : [],
    commit: sh`
      ${path ? sh`path=${path}` : locate(account)}
      [ -d "\${path%/*}" ] || install -d -m 700 -o ${account} -g "$(id -gn ${account})" "\${path%/*}"
      rights=$(stat -c '%a %U:%G' "$path" 2>/dev/null || echo ${`600 ${account}:`})
      put "$stage/candidate" "$path" "\${rights% *}" "\${rights#* }"
    `,
  }
}

/** With the people whose keys go in its summary. */
function naming(names: readonly string[], change: Change | Refused | 'converged'): Change | Refused | 'converged' {
  if (names.length === 0 || change === 'converged' || 'refused' in change) return change
  return { ...change, summary: `${change.summary}, without ${names.join(', ')}`, effect: 'remove' }
}

const keysIn = (content: string) => content.split('\n').flatMap((line) => parseKeyLine(line) ?? [])

/** Whose keys are in the one and not in the other, by their comments. */
export function takenAway(before: string, after: string): string[] {
  const left = new Set(keysIn(after).map(({ blob }) => blob))
  const gone = keysIn(before).filter(({ blob }) => !left.has(blob))
  return [...new Set(gone.map(({ comment, type }) => withoutMark(comment) || `a key of type ${type}`))]
}

export interface KeyChange {
  readonly account: string
  readonly host: string | undefined
  readonly before: string
  readonly after: string
}

/** Where this run logs in to the account: neither the key that it used nor the last one is removed. */
export function lockedOut({ account, host, before, after }: KeyChange, seen: Seen): Refused | undefined {
  const login = host === undefined ? undefined : seen.login?.(host)
  if (login?.user !== account) return undefined
  const [had, left] = [keysIn(before), keysIn(after)]
  const own = had.find(({ blob }) => login.isKey?.(blob))
  if (own !== undefined && !left.some(({ blob }) => blob === own.blob)) {
    return {
      refused: `this would remove the key with which this run logged in as ${account} (${withoutMark(own.comment) || own.type})`,
      hint: `log in with a key that stays ("login": { "identityFile": … }), or keep this one under "accounts": "${account}"`,
    }
  }
  if (had.length === 0 || left.length > 0) return undefined
  return {
    refused: `this would remove the last key of ${account}, the account that this run logs in to`,
    hint: `keep a key of yours under "accounts": { "${account}": { "authorizedKeys": […] } }`,
  }
}

function merge(content: string, { keys, exclusive = false, mark }: AuthorizedKeys, seen: Seen): string | undefined {
  const present = content.split('\n').filter((line, at, all) => line !== '' || at < all.length - 1)
  const kept = new Set<string>()
  const fresh: string[] = []
  for (const { key: late, options, comment, host } of keys) {
    const key = known(late, seen)
    if (key === undefined) {
      if (!host || !seen.gone(host)) return undefined
      for (const line of present) if (parseKeyLine(line)?.comment === comment) kept.add(line)
      continue
    }
    if (key === '') continue
    const blob = key.split(' ')[1] ?? ''
    const line = present.find((other) => parseKeyLine(other)?.blob === blob && !kept.has(other))
    const of = line === undefined ? undefined : parseMark(line)
    const same = line !== undefined && (options === undefined || parseKeyLine(line)?.options === options)
    if (same && mark && of?.inventory === '-' && mark.inventory !== '-') fresh.push(remarked(line, mark))
    else if (same) kept.add(line)
    // Somebody else's line that gets other options stays somebody else's.
    else
      fresh.push([options, key, comment, ...(mark && (!line || of) ? [printMark(mark)] : [])].filter(Boolean).join(' '))
  }
  const ours = (line: string) => mark !== undefined && isMarkedBy(line, mark)
  const replaced = new Set(fresh.map((line) => parseKeyLine(line)?.blob))
  const result = [
    ...present.filter((line) => {
      const parsed = parseKeyLine(line)
      return !parsed || kept.has(line) || (!exclusive && !replaced.has(parsed.blob) && !ours(line))
    }),
    ...fresh,
  ]
  return result.length ? `${result.join('\n')}\n` : ''
}

/** Of an inventory that had no identity when it wrote the line. */
const remarked = (line: string, mark: Mark) => `${withoutMark(line)} ${printMark(mark)}`

export interface KeyLine {
  /** `from="10.0.0.0/8",no-pty`, or empty. */
  readonly options: string
  readonly type: string
  /** The base64 word. */
  readonly blob: string
  readonly comment: string
}

/**
 * sshd(8), AUTHORIZED_KEYS FILE FORMAT: options may hold quoted spaces. Undefined for comments and what is no key line.
 */
export function parseKeyLine(line: string): KeyLine | undefined {
  const match =
    /^\s*(?:((?:"(?:\\"|[^"])*"|[^\s"])+)\s+)??((?:ssh|ecdsa|sk)-[\w@.-]+)\s+(AAAA[\w+/=]+)(?:\s+(.*))?$/.exec(line)
  if (!match) return undefined
  const [, options = '', type = '', blob = '', comment = ''] = match
  return { options, type, blob, comment }
}
