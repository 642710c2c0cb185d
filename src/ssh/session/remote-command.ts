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
  /**
   * What it writes is passed on as it comes. Then our own lines begin with a byte that text does not hold, so that no
   * line end has to wait for what may follow it; and stderr tells, before the script begins, the number of its shell.
   */
  readonly streamed?: boolean
}

/**
 * What goes to the stdin of that command: the mark, the password where there is one, the script, and the script's own
 * stdin. Those two come later where it is streamed.
 */
export const commandInput = (
  mark: string,
  { password, text = '' }: { readonly password: string | undefined; readonly text?: string },
) => `${mark}\n${password === undefined ? '' : `${password}\n`}${text}`

/**
 * The one command we ever ask sshd to run; the script comes on stdin. It ends by writing `MARK CODE WORDS` to stdout
 * and to stderr, so a lost connection never looks like an end, and both streams are known to be whole.
 *
 * One pair of single quotes deep and without backslash before a quote, so that fish and csh as login shells read it
 * alike.
 *
 * Something on the way may read what is meant for us: a command in ~/.bashrc, a sudo that reads ahead. So the mark is
 * the first line that the account's own shell reads, and what it hands to a sudo with a password begins with one:
 * without it nothing is run, for half a script would be worse than none (`read` takes byte by byte from a pipe).
 *
 * With a password, its line comes next on stdin and the account's own shell takes it, whether sudo asks or not. sudo is
 * first tried with that line alone: a wrong password fails once, and no line of the script is ever taken for a second
 * try. In the real run the line comes again, and then the mark: root's side skips everything up to the mark, because
 * sudo leaves the password unread when it does not ask. `unset` first: a variable that came in exported would carry the
 * password into the environment.
 */
export function remoteCommand(command: RemoteCommand): string {
  const run = command.privileged ? asRoot(command) : plain(command)
  const arrived = `unset l; IFS= read -r l && [ "$l" = ${command.mark} ]`
  return `sh -c ${quote(`if ${arrived}; then ${run}; else r="1 swallowed"; fi; ${end(command)}`)}`
}

/**
 * A shell that reads its script from stdin may read further than the script; dd takes byte by byte, and not one more.
 */
const shell = (scriptBytes: number | undefined) =>
  scriptBytes === undefined ? 'sh -s' : `sh -c "$(dd bs=1 count=${scriptBytes} 2>/dev/null)"`

const plain = (command: RemoteCommand) =>
  `${command.streamed ? `${beginning(command)}; ` : ''}${shell(command.scriptBytes)}; r=$?`

function end({ mark, streamed }: RemoteCommand): string {
  const line = `printf "${streamed ? '\\001' : '\\n'}%s %s\\n" ${mark} "$r"`
  return `${line}; ${line} >&2`
}

function asRoot(command: RemoteCommand): string {
  const { mark, sudo, scriptBytes, streamed } = command
  const script = shell(scriptBytes)
  // Streamed, root's side tells the end itself: behind a password `cat` waits as long as more input may come.
  const begin = `${beginning(command)}; ${streamed ? `${script}; r="$? sudo"; ${end(command)}` : `exec ${script}`}`
  const password = sudo === 'password' ? 'unset p; IFS= read -r p; ' : ''
  return `${password}if [ "$(id -u)" = 0 ]; then ${plain(command)}; ${SUDO[sudo](mark, begin)}; fi`
}

const beginning = ({ mark, streamed }: RemoteCommand) =>
  streamed ? `printf "\\001%s+%s\\n" ${mark} $$ >&2` : `printf "%s\\n" ${mark}+ >&2`
const present = 'command -v sudo >/dev/null 2>&1'

const SUDO: Readonly<Record<Sudo, (mark: string, begin: string) => string>> = {
  never: () => 'else r="1 never"',
  plain: (_, begin) => `elif ${present}; then sudo -n -u root sh -c '${begin}'; r="$? sudo"; else r="1 missing"`,
  password: (mark, begin) =>
    [
      `elif ! ${present}; then r="1 missing"`,
      `elif e=$(printf "%s\\n" "$p" | LC_ALL=C sudo -S -p "" -u root sh -c : 2>&1)`,
      `then { printf "%s\\n%s\\n" "$p" ${mark}; cat; } | sudo -S -p "" -u root sh -c ` +
        `'unset l; while IFS= read -r l && [ "$l" != ${mark} ]; do :; done; ` +
        `if [ "$l" != ${mark} ]; then printf "%s\\n" ${mark}- >&2; exit 1; fi; l=; ${begin}'`,
      `r="$? sudo"`,
      `else printf "%s\\n" "$e" >&2; r="1 password"`,
    ].join('; '),
}
