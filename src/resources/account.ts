import { lines, type Sh, sh } from '../shell/sh.ts'
import { type Mark, parseMark, printMark } from './mark.ts'
import { groupInTheWay, inspectGroups } from './own-groups.ts'
import type { Change, Refused, Resource } from './resource.ts'
import { inspectShut, opened, openingWords, parseShut, shutAgain } from './shut-accounts.ts'

export interface AccountOptions {
  /** A system account has no home of its own and is not for people. */
  readonly system?: boolean
  readonly shell?: string
  /** What an account says that is made here, as its comment (GECOS). */
  readonly mark?: Mark
  /** A system account is taken over although somebody else made it. */
  readonly adopts?: boolean
}

/**
 * An account with no password: keys are the only way in. The password field is `*` and not `!`, because sshd without
 * PAM takes `!` for a locked account and refuses its keys too (sshd(8), LOGIN PROCESS). An account that exists keeps
 * everything but its shell, and that only where a shell is asked for. A system account that provision did not make is
 * somebody's: it is refused. One of ours that is locked or is to expire is opened again; when a person may log in is
 * not our business.
 */
export function account(name: string, { system = false, shell, mark, adopts = false }: AccountOptions = {}): Resource {
  return {
    id: `account ${name}`,
    inspect: system
      ? lines(inspectAccount(name), inspectShut(sh`${name}`), inspectGroups(sh`${name}`))
      : inspectAccount(name),
    diff(now) {
      const found = parseAccount(now)
      if (!found) {
        const inTheWay = groupInTheWay(now, name)
        if (inTheWay) return inTheWay
        return {
          summary: system ? 'create, without password or shell' : 'create, without password',
          effect: 'add',
          saves: [],
          commit: system
            ? addSystemAccount(name, { ...(shell && { shell }), ...(mark && { comment: printMark(mark) }) })
            : sh`useradd ${['--create-home', '--shell', shell ?? '/bin/bash', ...commentOf(mark && printMark(mark))]} --password '*' ${name}`,
          undo: sh`
            if getent passwd ${name} >/dev/null; then
              ${system ? dropSystemAccount(name) : dropAccount(name, ['--remove'])}
            fi
          `,
        }
      }
      if (found.id === '0' && system) return { refused: `${name} has user id 0: no tunnel may belong to root` }
      if (system && !(isOurs(found) && (found.marked || usualShells.has(found.shell) || found.shell === shell)))
        return adopts ? opening(now, takeOver(name, found, { shell, mark })) : somebodyElses(name, found)
      if (shell === undefined || found.shell === shell) return opening(now, 'converged')
      return opening(now, {
        summary: `change shell from ${found.shell} to ${shell}`,
        saves: [],
        commit: sh`usermod --shell ${shell} ${name}`,
        undo: sh`usermod --shell ${found.shell} ${name}`,
      })
    },
  }
}

/** The change, and where the account is shut, what opens it. */
function opening(now: string, change: Change | 'converged'): Change | 'converged' {
  const shut = parseShut(now)
  if (shut.length === 0) return change
  const { summary, commit, undo, ...rest } = change === 'converged' ? { summary: undefined, saves: [] } : change
  return {
    ...rest,
    summary: [...(summary === undefined ? [] : [summary]), ...openingWords(shut)].join(', '),
    commit: lines(commit, ...shut.map(opened)),
    undo: lines(undo, ...shut.map(shutAgain)),
  }
}

/** What system accounts of ours had in versions that did not mark them yet. */
const usualShells = new Set(['/usr/sbin/nologin', '/sbin/nologin'])

/** There is no such system account of ours. What runs as it goes on; undo gives it back its number. */
export function noSystemAccount(name: string): Resource {
  return {
    id: `no account ${name}`,
    inspect: inspectAccount(name),
    diff(now) {
      const found = parseAccount(now)
      if (!found || !isOurs(found)) return 'converged'
      const { id, shell, comment } = found
      return {
        summary: 'remove',
        effect: 'remove',
        saves: [],
        commit: dropSystemAccount(name),
        undo: sh`getent passwd ${name} >/dev/null || ${addSystemAccount(name, { id, shell, comment })}`,
      }
    },
  }
}

interface Wanted {
  readonly shell?: string
  readonly id?: string
  readonly comment?: string
}

export function addSystemAccount(name: string, { shell = '/usr/sbin/nologin', id, comment }: Wanted = {}): Sh {
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', shell]
  const number = id === undefined ? [] : ['--uid', id]
  return sh`useradd ${[...options, ...commentOf(comment)]} --password '*' ${[...number, name]}`
}

const commentOf = (comment: string | undefined) => (comment ? ['--comment', comment] : [])

/** userdel complains of a mail spool that there never was, also when all went well. */
function dropAccount(name: string, options: readonly string[] = []): Sh {
  return sh`why=$(userdel --force ${[...options, name]} 2>&1) || { echo "$why" >&2; exit 1; }`
}

/** With the group that it was made with, which userdel leaves behind where login.defs says USERGROUPS_ENAB no. */
export const dropSystemAccount = (name: string): Sh =>
  lines(dropAccount(name), sh`if getent group ${name} >/dev/null; then groupdel ${name}; fi`)

interface Found {
  readonly id: string
  readonly home: string
  readonly shell: string
  readonly comment: string
  readonly marked: boolean
}

/** Prints `NAME:ID:HOME:SHELL:COMMENT`, or nothing where there is no such account. */
export function inspectAccount(name: string): Sh {
  return sh`
    IFS=: read -r name _ id _ comment home shell <<END
  $(getent passwd ${name})
  END
    [ -z "$name" ] || echo "$name:$id:$home:$shell:$comment"
  `
}

function parseAccount(now: string): Found | undefined {
  const [first = ''] = now.split('\n')
  const [name, id = '', home = '', shell = '', comment = ''] = first.startsWith('@') ? [] : first.trim().split(':')
  return name ? { id, home, shell, comment, marked: parseMark(comment) !== undefined } : undefined
}

/** Marked, or made by a version that did not mark accounts yet: of the system, and without a home. */
const isOurs = ({ id, home, marked }: Found) => marked || (Number(id) < 1000 && home === '/nonexistent')

function takeOver(
  name: string,
  { shell: before, comment }: Found,
  { shell = '/usr/sbin/nologin', mark }: { readonly shell: string | undefined; readonly mark: Mark | undefined },
): Change {
  const ours = mark === undefined ? [] : ['--comment', printMark(mark)]
  return {
    summary: `take over, with shell ${shell} and without password`,
    saves: [],
    commit: sh`usermod ${ours} --shell ${shell} --password '*' ${name}`,
    undo: sh`usermod --comment ${comment} --shell ${before} ${name}`,
  }
}

const somebodyElses = (name: string, { id, home, shell }: Found): Refused => ({
  refused: `the account ${name} exists already and was not made by provision (user id ${id}, home ${home}, shell ${shell})`,
  hint:
    `a tunnel needs an account of this name for itself: rename the account that exists (usermod --login OTHER ${name}), ` +
    `or take over that account with --adopt ${name}, which ends its logins`,
})
