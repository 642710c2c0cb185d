import { quote } from '../../shell/sh.ts'

/** How root is reached where the account is not root: not at all, through sudo, or through sudo with a password. */
export type Sudo = 'never' | 'plain' | 'password'

export interface RemoteCommand {
  /** A word nobody can guess: where it stands, the script's own output ends. */
  readonly mark: string
  readonly privileged: boolean
  readonly sudo: Sudo
  /** So much of stdin is the script, and the rest is the script's own stdin. Absent: all of it is the script. */
  readonly scriptBytes?: number | undefined
}

/**
 * The one command we ever ask sshd to run; the script comes on stdin. It ends by writing `MARK CODE WORDS` to stdout
 * and to stderr, so a lost connection never looks like an end, and both streams are known to be whole.
 *
 * One pair of single quotes deep and without backslash before a quote, so that fish and csh as login shells read it
 * alike.
 *
 * With a password, its line comes first on stdin and the account's own shell takes it (`read` takes byte by byte from
 * a pipe), whether sudo asks or not. sudo is first tried with that line alone: a wrong password fails once, and no line
 * of the script is ever taken for a second try. In the real run the line comes again, and then the mark: root's side
 * skips everything up to the mark, because sudo leaves the password unread when it does not ask. `unset` first: a
 * variable that came in exported would carry the password into the environment.
 */
export function remoteCommand(command: RemoteCommand): string {
  const { mark, scriptBytes } = command
  const end = `printf "\\n%s %s\\n" ${mark} "$r"; printf "\\n%s %s\\n" ${mark} "$r" >&2`
  return `sh -c ${quote(`${command.privileged ? asRoot(command) : plain(shell(scriptBytes))}; ${end}`)}`
}

/**
 * A shell that reads its script from stdin may read further than the script; dd takes byte by byte, and not one more.
 */
const shell = (scriptBytes: number | undefined) =>
  scriptBytes === undefined ? 'sh -s' : `sh -c "$(dd bs=1 count=${scriptBytes} 2>/dev/null)"`

const plain = (script: string) => `${script}; r=$?`

function asRoot({ mark, sudo, scriptBytes }: RemoteCommand): string {
  const script = shell(scriptBytes)
  const password = sudo === 'password' ? 'unset p; IFS= read -r p; ' : ''
  return `${password}if [ "$(id -u)" = 0 ]; then ${plain(script)}; ${SUDO[sudo](mark, script)}; fi`
}

const begin = (mark: string, script: string) => `printf "%s\\n" ${mark}+ >&2; exec ${script}`
const present = 'command -v sudo >/dev/null 2>&1'

const SUDO: Readonly<Record<Sudo, (mark: string, script: string) => string>> = {
  never: () => 'else r="1 never"',
  plain: (mark, script) =>
    `elif ${present}; then sudo -n sh -c '${begin(mark, script)}'; r="$? sudo"; else r="1 missing"`,
  password: (mark, script) =>
    [
      `elif ! ${present}; then r="1 missing"`,
      `elif e=$(printf "%s\\n" "$p" | LC_ALL=C sudo -S -p "" sh -c : 2>&1)`,
      `then { printf "%s\\n%s\\n" "$p" ${mark}; cat; } | sudo -S -p "" sh -c ` +
        `'unset l; while IFS= read -r l && [ "$l" != ${mark} ]; do :; done; l=; ${begin(mark, script)}'`,
      `r="$? sudo"`,
      `else printf "%s\\n" "$e" >&2; r="1 password"`,
    ].join('; '),
}
