import type { Resource } from '../resource.ts'
import { type Sh, sh } from '../sh.ts'

export interface AccountOptions {
  /** A system account has no home of its own and is not for people. */
  readonly system?: boolean
  readonly shell?: string
}

/**
 * An account with no password: keys are the only way in. The password field is `*` and not `!`, because sshd without PAM
 * takes `!` for a locked account and refuses its keys too (sshd(8), LOGIN PROCESS).
 * An account that exists keeps everything but its shell, and that only where a shell is asked for.
 */
export function account(name: string, { system = false, shell }: AccountOptions = {}): Resource {
  return {
    id: `account ${name}`,
    inspect: sh`
      getent passwd ${name} | {
        IFS=: read -r name _ id _ _ home shell && echo "$name:$id:$home:$shell"
      }
    `,
    diff(now) {
      const [found, id, , has] = now.trim().split(':')
      if (!found) {
        return {
          summary: system ? 'create, without password or shell' : 'create, without password',
          saves: [],
          commit: system
            ? addSystemAccount(name, { ...(shell && { shell }) })
            : sh`useradd --create-home --shell ${shell ?? '/bin/bash'} --password '*' ${name}`,
          undo: sh`
            if getent passwd ${name} >/dev/null; then
              ${dropAccount(name, system ? [] : ['--remove'])}
            fi
          `,
        }
      }
      if (id === '0' && system) return { refused: `${name} has user id 0: no tunnel may belong to root` }
      if (shell === undefined || has === shell) return 'converged'
      return {
        summary: `change shell from ${has} to ${shell}`,
        saves: [],
        commit: sh`usermod --shell ${shell} ${name}`,
        undo: sh`usermod --shell ${has ?? ''} ${name}`,
      }
    },
  }
}

/** There is no such system account. What runs as it goes on; undo gives it back its number. */
export function noSystemAccount(name: string): Resource {
  return {
    id: `no account ${name}`,
    inspect: sh`getent passwd ${name} | cut -d : -f 3`,
    diff(now) {
      const id = now.trim()
      if (id === '') return 'converged'
      return {
        summary: 'remove',
        saves: [],
        commit: dropAccount(name),
        undo: sh`getent passwd ${name} >/dev/null || ${addSystemAccount(name, { id })}`,
      }
    },
  }
}

export function addSystemAccount(
  name: string,
  { shell = '/usr/sbin/nologin', id, comment = '' }: { shell?: string; id?: string; comment?: string } = {},
): Sh {
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', shell]
  if (comment !== '') options.push('--comment', comment)
  return sh`useradd ${options} --password '*' ${[...(id === undefined ? [] : ['--uid', id]), name]}`
}

/** userdel complains of a mail spool that there never was, also when all went well. */
export function dropAccount(name: string, options: readonly string[] = []): Sh {
  return sh`why=$(userdel --force ${[...options, name]} 2>&1) || { echo "$why" >&2; exit 1; }`
}
