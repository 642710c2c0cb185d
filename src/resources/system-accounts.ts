import { lines, type Sh, sh } from '../shell/sh.ts'
import { addSystemAccount, dropSystemAccount } from './account.ts'
import { phrase } from './managed-files.ts'
import { type Mark, parseMark, printMark, withMarksOf } from './mark.ts'
import { groupInTheWay, inspectGroups } from './own-groups.ts'
import type { Change, Refused, Resource, Seen } from './resource.ts'
import { inspectShut, opened, openingWords, parseShut, type Shut, shutAgain } from './shut-accounts.ts'

export interface SystemAccount {
  readonly name: string
  readonly mark: Mark
}

export interface SystemAccountsOptions {
  /** Run once an account was created, for what belongs to it may be that of an earlier user id. */
  readonly made?: Sh
  /** May this account, which is ours and not wanted, be removed. Absent: it stays. */
  readonly goes?: (account: { readonly name: string; readonly mark?: Mark }, seen: Seen) => boolean
  /** Accounts of these names are taken over although somebody else made them. */
  readonly adopts?: readonly string[]
}

/** An account as its host has it. */
interface Present {
  readonly id: string
  readonly comment: string
  readonly home: string
  readonly shell: string
}

/**
 * Of all accounts whose names begin alike, these, with our mark: system accounts without password, shell or home, as
 * `account` makes them. systemd's user manager, which every login by PAM would start (16 MB each), is masked for them.
 * One of ours that somebody has locked, or that is to expire, is opened again. Accounts of others are never touched;
 * the sessions of one of ours that goes are ended.
 */
export function systemAccounts(
  prefix: string,
  wanted: readonly SystemAccount[],
  { made, goes = () => false, adopts = [] }: SystemAccountsOptions = {},
): Resource {
  return {
    id: `accounts ${prefix}*`,
    inspect: lines(
      sh`
        getent passwd | sed -n ${`s/^\\(${prefix}[^:]*:\\)[^:]*:\\([^:]*:\\)[^:]*:/@account \\1\\2/p`} | sort
        set -- /etc/systemd/system/user@*.service
        [ ! -L "$1" ] || find "$@" -maxdepth 0 -lname /dev/null -printf '@masked %f\n'
      `,
      inspectShut(sh`${prefix}*`),
      inspectGroups(sh`${prefix}*`),
    ),
    diff(now, seen) {
      const there = parse(now)
      const masked = new Set([...now.matchAll(/^@masked user@(\d+)\.service$/gm)].map(([, id]) => id))
      const refused = refusal(wanted, there, adopts)
      if (refused) return refused
      const names = wanted.map(({ name }) => name)
      const create = wanted.filter(({ name }) => !there.has(name))
      const [inTheWay] = create.flatMap(({ name }) => groupInTheWay(now, name) ?? [])
      if (inTheWay) return inTheWay
      const adopt = wanted.filter(({ name }) => isForeign(there.get(name)))
      const remark = wanted.filter(
        ({ name, mark }) =>
          there.has(name) &&
          !isForeign(there.get(name)) &&
          there.get(name)?.comment !== withMarksOf(there.get(name)?.comment ?? '', printMark(mark)),
      )
      const shell = names.filter((name) => isOpenTo(there.get(name)) && !adopt.some((one) => one.name === name))
      const remove = [...there].flatMap(([name, account]) => {
        const mark = parseMark(account.comment)
        const goesNow = !names.includes(name) && !isForeign(account) && goes({ name, ...(mark && { mark }) }, seen)
        return goesNow ? [name] : []
      })
      const mask = names.filter((name) => there.has(name) && !masked.has(there.get(name)?.id))
      const open = parseShut(now).filter(({ name }) => names.includes(name) && there.has(name))
      const moved = { create, adopt, remark, shell, remove, mask, open, there }
      if ([create, adopt, remark, shell, remove, mask, open].every(({ length }) => length === 0)) return 'converged'
      return {
        summary: [
          ...phrase(
            'create',
            create.map(({ name }) => name),
          ),
          ...phrase(
            'take over',
            adopt.map(({ name }) => name),
          ),
          ...phrase(
            'mark',
            remark.map(({ name }) => name),
          ),
          ...phrase('set back the login shell of', shell),
          ...phrase('remove', remove),
          ...phrase('disable the user manager of', mask),
          ...openingWords(open),
        ].join(', '),
        effect: remove.length > 0 ? 'remove' : create.length > 0 ? 'add' : 'change',
        saves: [...mask, ...remove].map((name) => maskOf(there.get(name)?.id ?? '')),
        commit: commit(moved),
        ...(made && create.length > 0 && { activate: made }),
        undo: undo(moved),
      } satisfies Change
    },
  }
}

function parse(now: string): ReadonlyMap<string, Present> {
  const rows = [...now.matchAll(/^@account ([^:]+):(\d+):([^:]*):([^:]*):(.*)$/gm)]
  return new Map(
    rows.map(([, name = '', id = '', comment = '', home = '', shell = '']) => [name, { id, comment, home, shell }]),
  )
}

/** Made by somebody else: no mark, nor the shape that an earlier version gave to accounts before it marked them. */
function isForeign(account: Present | undefined): boolean {
  if (account === undefined || parseMark(account.comment)) return false
  const { id, comment, home, shell } = account
  return !(comment === '' && Number(id) < 1000 && home === '/nonexistent' && shell.endsWith('/nologin'))
}

/** Its shell is not one that only refuses: sshd lets nobody in whose shell does not exist. */
const isOpenTo = (account: Present | undefined) => account !== undefined && !/\/(nologin|false)$/.test(account.shell)

function refusal(
  wanted: readonly SystemAccount[],
  there: ReadonlyMap<string, Present>,
  adopts: readonly string[],
): Refused | undefined {
  const root = wanted.find(({ name }) => there.get(name)?.id === '0')
  if (root) return { refused: `${root.name} has user id 0: no tunnel may belong to root` }
  const taken = wanted.find(({ name }) => isForeign(there.get(name)) && !adopts.includes(name))
  const account = taken && there.get(taken.name)
  if (!account) return undefined
  return {
    refused: `the account ${taken.name} exists already and was not made by provision (user id ${account.id}, home ${account.home}, shell ${account.shell})`,
    hint: `rename or remove that account yourself, or take over that account with --adopt ${taken.name}, which ends its logins`,
  }
}

interface Moved {
  readonly create: readonly SystemAccount[]
  readonly adopt: readonly SystemAccount[]
  readonly remark: readonly SystemAccount[]
  readonly shell: readonly string[]
  readonly remove: readonly string[]
  readonly mask: readonly string[]
  readonly open: readonly Shut[]
  readonly there: ReadonlyMap<string, Present>
}

function commit({ create, adopt, remark, shell, remove, mask, open, there }: Moved): Sh {
  const idOf = (name: string) => there.get(name)?.id ?? ''
  return lines(
    ...create.map(
      ({ name, mark }) =>
        sh`${addSystemAccount(name, { comment: printMark(mark) })} && ln -sfn /dev/null "/etc/systemd/system/user@$(id -u ${name}).service"`,
    ),
    ...adopt.map(
      ({ name, mark }) => sh`usermod --comment ${printMark(mark)} --shell /usr/sbin/nologin --password '*' ${name}`,
    ),
    ...remark.map(({ name, mark }) => sh`usermod --comment ${printMark(mark)} ${name}`),
    ...shell.map((name) => sh`usermod --shell /usr/sbin/nologin ${name}`),
    ...mask.map((name) => sh`ln -sfn /dev/null ${maskOf(idOf(name))}`),
    ...open.map(opened),
    ...remove.map((name) => sh`pkill -KILL -u ${name} || :; ${dropSystemAccount(name)}; rm -f ${maskOf(idOf(name))}`),
  )
}

function undo({ create, adopt, remark, shell, remove, open, there }: Moved): Sh {
  return lines(
    ...create.map(
      ({ name }) => sh`
        if id=$(id -u ${name} 2>/dev/null); then
          pkill -KILL -u ${name} || :
          rm -f "/etc/systemd/system/user@$id.service"
          ${dropSystemAccount(name)}
        fi
      `,
    ),
    ...adopt.map(({ name }) => {
      const { comment = '', shell = '' } = there.get(name) ?? {}
      return sh`usermod --comment ${comment} --shell ${shell} ${name}`
    }),
    ...remark.map(({ name }) => sh`usermod --comment ${there.get(name)?.comment ?? ''} ${name}`),
    ...shell.map((name) => sh`usermod --shell ${there.get(name)?.shell ?? ''} ${name}`),
    ...open.map(shutAgain),
    ...remove.map((name) => {
      const { id = '', comment = '' } = there.get(name) ?? {}
      return sh`getent passwd ${name} >/dev/null || ${addSystemAccount(name, { id, comment })}`
    }),
  )
}

const maskOf = (id: string) => `/etc/systemd/system/user@${id}.service`
