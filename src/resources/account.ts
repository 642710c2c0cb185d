import type { Resource } from '../resource.ts'
import { sh } from '../sh.ts'

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
  const options = system
    ? ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
    : ['--create-home']
  const login = shell ?? (system ? '/usr/sbin/nologin' : '/bin/bash')
  return {
    id: `account ${name}`,
    inspect: sh`getent passwd ${name} | cut -d : -f 1,3,6,7`,
    diff(now) {
      const [found, id, , has] = now.trim().split(':')
      if (!found) {
        return {
          summary: system ? 'create, without password or shell' : 'create, without password',
          saves: [],
          commit: sh`useradd ${options} --shell ${login} --password '*' ${name}`,
          // userdel misses a mail spool that there never was.
          undo: sh`
            if getent passwd ${name} >/dev/null; then
              why=$(userdel --force ${system ? [] : ['--remove']} ${name} 2>&1) || { echo "$why" >&2; exit 1; }
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
