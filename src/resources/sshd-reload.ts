import { lines, type Sh, sh } from '../shell/sh.ts'
import type { Change, Late, Observed, Refused, Seen } from './resource.ts'
import { inForce, noteInForce, nothingWaits, runningSshd } from './running-sshd.ts'
import { type Configuration, hostKeysOnDisk, parseSshd, type Sshd, unread } from './unread-sshd-config.ts'

/** What a change of sshd's configuration says of itself; how sshd comes to read it is added. */
export interface SshdChange extends Change {
  /** The file that the change itself replaces or takes away: whatever it says now, it will not be read. */
  readonly own?: string
  /** What has to be in force then: nothing of it may be settled by the arguments that sshd was started with. */
  readonly keywords?: readonly string[]
  /** Nothing has to be in force: then an sshd that does not read our files does not stand in the way. */
  readonly leaves?: boolean
}

/**
 * The same change, which has sshd read its configuration; or why sshd must not be reloaded. The reload goes to the unit
 * that runs the sshd of our own login. An sshd that would not read our files, or that would read more than ours, is
 * left alone.
 */
export function withReload(wanted: SshdChange, seen: Seen): Change | Refused {
  const { own, keywords = [], leaves = false, ...change } = wanted
  const observed = seen.here?.(runningSshd.id)
  // None runs, or each connection has one of its own: it reads what is there then.
  if (observed === '@none\n') return change
  const sshd = parseSshd(observed ?? '')
  if (!sshd || observed === undefined)
    return { refused: 'it is not known which sshd runs on this host', hint: 'run again' }
  const deaf = notOurs(sshd, keywords)
  if (deaf) return leaves ? change : deaf
  const waiting = dormant(sshd, observed, own)
  if (waiting) return waiting
  const { unit = '', configuration } = sshd
  return {
    ...change,
    saves: [...change.saves, inForce],
    validate: lines(unmoved(sshd, configuration), change.validate),
    activate: lines(reload(sshd), noteInForce(unit)),
    undo: reload(sshd),
    undoable: nothingWaits,
  }
}

/**
 * Has sshd not read this file since it was changed: nobody reloaded sshd, or the run that wrote the file did not come
 * so far.
 */
export function isUnread(path: string, seen: Seen): boolean {
  const observed = seen.here?.(runningSshd.id) ?? ''
  const sshd = parseSshd(observed)
  return sshd !== undefined && unread(sshd, observed).some((file) => file.path === path)
}

/**
 * The host keys that a host's sshd would prove after a reload, and those of them that are new to it; unknown until it
 * was looked at.
 */
export function hostKeysAfterReload(
  host: string,
): Late<{ readonly all: readonly string[]; readonly unread: readonly string[] }> {
  return (seen) => {
    const observed = seen.of(host, runningSshd.id)
    const sshd = observed === undefined ? undefined : parseSshd(observed)
    return sshd && hostKeysOnDisk(sshd, observed ?? '')
  }
}

/** That sshd would not do what our files say, or could not be made to read them. */
function notOurs({ unit, reloads, socket, keepsSessions, argv, pid }: Sshd, keywords: readonly string[]) {
  const other = optionsOf(argv, 'f').find((file) => file !== '/etc/ssh/sshd_config')
  if (other !== undefined)
    return {
      refused: `sshd (pid ${pid}) was started with -f ${other}, so settings from provision would have no effect`,
      hint: 'start it so that it reads /etc/ssh/sshd_config, then run again',
    }
  const options = optionsOf(argv, 'o').map((option) => option.split(/[=\s]/)[0]?.toLowerCase() ?? '')
  const settled = keywords.find((keyword) => options.includes(keyword.toLowerCase()))
  if (settled !== undefined)
    return {
      refused: `sshd (pid ${pid}) was started with -o ${settled}=…, so settings from provision would have no effect`,
      hint: 'remove that option where sshd is started, then run again',
    }
  if (unit === undefined)
    return {
      refused: `sshd (pid ${pid}) was started by hand and not by systemd, so settings from provision would have no effect`,
      hint: 'keep a session open, let systemd run sshd instead, log in again, then run again',
    }
  if (socket ? !keepsSessions : !reloads)
    return {
      refused: `sshd is run by ${unit}, which ${socket ? 'ends all sessions when it is restarted' : 'cannot be reloaded'}, so settings from provision would have no effect`,
      hint: socket
        ? `give ${unit} KillMode=process, then run again`
        : `give ${unit} ExecReload=/bin/kill -HUP $MAINPID, run systemctl daemon-reload, then run again`,
    }
  return undefined
}

/** `-f FILE`, `-fFILE`, `-Df FILE`. */
function optionsOf(argv: readonly string[], letter: string): string[] {
  return argv.flatMap((word, at) => {
    // Letters that take no word of their own may stand before it.
    const [, rest] = new RegExp(`^-[46DdeGiqRTtV]*${letter}(.*)$`).exec(word) ?? []
    return rest === undefined ? [] : [rest || (argv[at + 1] ?? '')]
  })
}

const most = 8
/** Lines that can lock somebody out come first. */
const locksOut =
  /^[+-]? ?(allow|deny)(users|groups)\b|^[+-]? ?(port|listenaddress|addressfamily|match|include|authorizedkeys|authenticationmethods|pubkey|permitrootlogin|passwordauth|usepam|trustedusercakeys)/i
const byWeight = (lines: readonly string[]) => [
  ...lines.filter((line) => locksOut.test(line)),
  ...lines.filter((line) => !locksOut.test(line)),
]

function dormant(sshd: Sshd, observed: Observed, own: string | undefined): Refused | undefined {
  const files = unread(sshd, observed).filter(({ path }) => path !== own)
  if (files.length === 0) return undefined
  const sentences = files.map(({ path, changed, says, whole }) => {
    const some = byWeight(says).slice(0, most).join('; ')
    const more = says.length > most ? `; and ${says.length - most} more lines` : ''
    const what = whole ? 'a reload would activate whatever is new among these lines' : 'a reload would activate'
    return `${path} was changed at ${clock(changed)}, and sshd has not read it since (last read at ${clock(sshd.lastRead)}); ${what}: ${some}${more}`
  })
  const command = `systemctl ${sshd.socket ? 'restart' : 'reload'} ${sshd.unit?.replace(/\.service$/, '')}`
  return {
    refused: sentences.join('\n'),
    hint: `check that change; if it is intended, keep a second session open and reload sshd yourself: ${command}; then run again`,
  }
}

const clock = (seconds: number) => new Date(seconds * 1000).toISOString()

/**
 * Tells the unit; every session that is there stays. A socket of systemd's stays systemd's: an sshd that it started
 * cannot open the port by itself, which is what it tries after a reload (seen with 9.2 and 10.0), so it is started
 * anew, and is no start too many in a short time for systemd.
 */
function reload({ unit = '', socket }: Sshd): Sh {
  return socket
    ? sh`systemctl reset-failed ${unit} 2>/dev/null || :; systemctl try-restart ${unit}`
    : sh`if systemctl is-active --quiet ${unit}; then systemctl reload ${unit}; fi`
}

/** Fails where another sshd has taken over, or a file was changed that nobody has had it read, since we looked. */
function unmoved({ pid, born, unit = '' }: Sshd, { rows }: Configuration): Sh {
  return sh`
    stat= && read -r stat 2>/dev/null <${`/proc/${pid}/stat`} || :
    # shellcheck disable=SC2086
    set -- \${stat##*) }
    if [ "\${20-}" != ${born} ] || [ "$(systemctl show --property=MainPID --value ${unit})" != ${pid} ]; then
      echo 'sshd was restarted after provision looked at it: run again' >&2
      exit 1
    fi
    changed=$(find ${rows.map(({ path }) => path)} -maxdepth 0 -cnewer /run/sshd.pid -printf '%C@ %p\n' 2>/dev/null |
      grep -vxF ${rows.flatMap(({ text }) => ['-e', text])} || :)
    if [ -n "$changed" ]; then
      echo "sshd's configuration was changed after provision looked at it: run again" >&2
      exit 1
    fi
  `
}
