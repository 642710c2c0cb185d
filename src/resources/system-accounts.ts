import type { Resource } from '../resource.ts'
import { lines, type Sh, sh } from '../sh.ts'
import { addSystemAccount, dropAccount } from './account.ts'
import { phrase } from './managed-files.ts'

/**
 * Of all accounts whose names begin alike, exactly these: system accounts without password, shell or home, as `account`
 * makes them. systemd's user manager, which every login by PAM would start (16 MB each), is masked for them.
 * The sessions of an account that goes are ended. `made`: once an account was created, for what belongs to it may be that of
 * another user id of former times.
 */
export function systemAccounts(prefix: string, names: readonly string[], options: { made?: Sh } = {}): Resource {
  return {
    id: `accounts ${prefix}*`,
    inspect: sh`
      getent passwd | sed -n ${`s/^\\(${prefix}[^:]*\\):[^:]*:\\([0-9]*\\):.*/@account \\1 \\2/p`} | sort
      find /etc/systemd/system -maxdepth 1 -name 'user@*.service' -lname /dev/null -printf '@masked %f\n' | sort
    `,
    diff(now) {
      const there = new Map([...now.matchAll(/^@account (\S+) (\d+)$/gm)].map(([, name = '', id = '']) => [name, id]))
      const masked = new Set([...now.matchAll(/^@masked user@(\d+)\.service$/gm)].map(([, id]) => id))
      const root = names.find((name) => there.get(name) === '0')
      if (root) return { refused: `${root} has user id 0: no tunnel may belong to root` }
      const create = names.filter((name) => !there.has(name))
      const remove = [...there.keys()].filter((name) => !names.includes(name))
      const mask = names.filter((name) => there.has(name) && !masked.has(there.get(name)))
      if (create.length + remove.length + mask.length === 0) return 'converged'
      return {
        summary: [
          ...phrase('create', create),
          ...phrase('remove', remove),
          ...phrase('no user manager for', mask),
        ].join(', '),
        saves: [...mask, ...remove].map((name) => maskOf(there.get(name) ?? '')),
        commit: lines(
          ...create.map(
            (name) =>
              sh`${addSystemAccount(name)} && ln -sfn /dev/null "/etc/systemd/system/user@$(id -u ${name}).service"`,
          ),
          ...mask.map((name) => sh`ln -sfn /dev/null ${maskOf(there.get(name) ?? '')}`),
          ...remove.map(
            (name) => sh`pkill -KILL -u ${name} || :; ${dropAccount(name)}; rm -f ${maskOf(there.get(name) ?? '')}`,
          ),
        ),
        ...(options.made && create.length > 0 && { activate: options.made }),
        undo: lines(
          ...create.map(
            (name) => sh`
              if id=$(id -u ${name} 2>/dev/null); then
                pkill -KILL -u ${name} || :
                rm -f "/etc/systemd/system/user@$id.service"
                ${dropAccount(name)}
              fi
            `,
          ),
          ...remove.map(
            (name) => sh`getent passwd ${name} >/dev/null || ${addSystemAccount(name, { id: there.get(name) ?? '' })}`,
          ),
        ),
      }
    },
  }
}

const maskOf = (id: string) => `/etc/systemd/system/user@${id}.service`
