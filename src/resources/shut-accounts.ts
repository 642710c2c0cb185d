import { lines, type Sh, sh } from '../shell/sh.ts'
import { phrase } from './managed-files.ts'

/**
 * Accounts of ours that shadow(5) shuts: sshd refuses a locked one without PAM, one that has expired, and one that has
 * to change its password before anything else. They have none, and are made without any of these.
 */
export interface Shut {
  readonly name: string
  readonly locked: boolean
  /** Days since 1970, as they stand there; empty: none. `last`: when its password changed, 0: it has to. */
  readonly last: string
  readonly most: string
  readonly expires: string
}

/**
 * Prints `@shut NAME LOCKED LAST MOST EXPIRES` for accounts whose names begin or are like this. No process; nothing
 * secret.
 */
export function inspectShut(names: Sh): Sh {
  return sh`
    while IFS=: read -r name password last _ most _ _ expires _; do
      case $name in ${names}) ;; *) continue ;; esac
      case $password in '!'*) locked=locked ;; *) locked=- ;; esac
      case $locked:$expires:$last:$most in
        -::0:*) ;;
        -::*: | -::*:99999) continue ;;
      esac
      echo "@shut $name $locked $last:$most:$expires"
    done </etc/shadow
  `
}

export function parseShut(now: string): Shut[] {
  const rows = [...now.matchAll(/^@shut (\S+) (locked|-) (-?\d*):(-?\d*):(-?\d*)$/gm)]
  return rows.map(([, name = '', locked, last = '', most = '', expires = '']) => ({
    ...{ name, locked: locked === 'locked', last, most, expires },
  }))
}

const dated = ({ last, most }: Shut) => last === '0' || !['', '99999'].includes(most)

/** What a person reads. */
export function openingWords(all: readonly Shut[]): string[] {
  const names = (some: (shut: Shut) => boolean) => all.filter(some).map(({ name }) => name)
  return [
    ...phrase(
      'unlock',
      names(({ locked }) => locked),
    ),
    ...phrase(
      'remove the expiry date of',
      names(({ expires }) => expires !== ''),
    ),
    ...phrase('remove the password age of', names(dated)),
  ]
}

export function opened(shut: Shut): Sh {
  const { name, locked, expires } = shut
  return lines(
    locked || expires !== ''
      ? sh`usermod ${[...(locked ? ['--password', '*'] : []), '--expiredate', '', name]}`
      : undefined,
    dated(shut) ? sh`chage --lastday -1 --maxdays -1 ${name}` : undefined,
  )
}

/** As it was. A lock shows no more than that it is one. */
export function shutAgain(shut: Shut): Sh {
  const { name, locked, last, most, expires } = shut
  return lines(
    sh`chage --lastday ${last || '-1'} --maxdays ${most || '-1'} --expiredate ${expires || '-1'} ${name}`,
    locked ? sh`usermod --lock ${name}` : undefined,
  )
}
