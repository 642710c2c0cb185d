import {
  absent,
  type Forward,
  type Gateway,
  lines,
  type Mark,
  managedFile,
  marked,
  parseMark,
  printListener,
  type Resource,
  type Seen,
  sh,
  socketName,
  type Unit,
} from '../../src/index.ts'
import { accountPrefix, jail, jailFile, unitPrefix } from '../../src/tunnel/names.ts'
import { type Closing, commentOf } from './held-forwards.ts'

/** The folders that the accounts' sessions are shut up in; /run is empty after every boot. */
export function jailFolders(accounts: readonly string[]): string {
  const rows = accounts.flatMap((account) => [
    `d ${jail(account)} 0755 root root`,
    `d ${jail(account)}/s 0700 ${account} ${account}`,
  ])
  return ['# provision -', 'd /run/reverse-tunnel 0755 root root', ...rows, ''].join('\n')
}

/** The folders of the file, and no others of former devices. */
export const makeJails = sh`
  systemd-tmpfiles --create ${jailFile}
  for jail in /run/reverse-tunnel/*/; do
    if [ -d "$jail" ] && ! grep -qF "d \${jail%/} " ${jailFile}; then rm -rf "$jail"; fi
  done
`

/**
 * The folders of these accounts, and of all others in the file that do not go: several inventories may share a gateway.
 * With the last account the file goes, and what it made.
 */
export function jails(gateway: Gateway, accounts: readonly string[], closing: Closing): Resource {
  const file = (names: readonly string[]) =>
    names.length > 0
      ? managedFile(jailFile, { content: jailFolders(names), activate: makeJails })
      : absent(jailFile, { activate: sh`rm -rf /run/reverse-tunnel`, undo: makeJails })
  const { id, inspect } = managedFile(jailFile, { content: '' })
  return {
    id,
    inspect,
    diff(now, seen) {
      const others = accountsIn(now, /^d \/run\/reverse-tunnel\/(\S+)\/s /gm)
      const names = together(accounts, staying(others, gateway, closing, seen))
      if (isForeign(now))
        return { refused: `${jailFile} was not made by provision`, hint: 'move it away, then run again' }
      if (names.length > 0) return file(names).diff(now, seen)
      return now.startsWith('absent') ? 'converged' : file([]).diff(`f ${jailFile}\n`, seen)
    },
  }
}

/**
 * The folders themselves, which somebody may have cleared away since they were made. A session whose folder is gone
 * still looks alive at both ends: it is ended, so that its device dials anew. What every boot makes too is no state to
 * go back to (`endsOnly`). While the file is not as it should be, its own change makes them.
 */
export function jailsStand(accounts: readonly string[]): Resource {
  return {
    id: 'folders in /run/reverse-tunnel',
    inspect: sh`
      set --
      if [ -e ${jailFile} ]; then
        while read -r kind path _; do [ "$kind" != d ] || set -- "$@" "$path"; done <${jailFile}
      fi
      [ $# -eq 0 ] || stat -c '@folder %n %F %a %U:%G' "$@"
    `,
    diff(now, seen) {
      const known = accountsIn(seen.here?.(`file ${jailFile}`) ?? '', /^d \/run\/reverse-tunnel\/(\S+)\/s /gm)
      const has = (path: string, rights: string) => now.includes(`@folder ${path} directory ${rights}\n`)
      const wrong = accounts.filter(
        (name) =>
          known.includes(name) && !(has(jail(name), '755 root:root') && has(`${jail(name)}/s`, `700 ${name}:${name}`)),
      )
      if (wrong.length === 0) return 'converged'
      const lost = wrong.filter((name) => !now.includes(`@folder ${jail(name)}/s `))
      return {
        summary: [
          `make again those of ${wrong.join(', ')}`,
          ...(lost.length > 0 ? ['end the sessions that have lost theirs'] : []),
        ].join(', '),
        saves: [],
        endsOnly: true,
        commit: sh`:`,
        activate: lines(makeJails, ...lost.map((name) => sh`pkill -u ${name} sshd || :`)),
      }
    },
  }
}

/** A row that none of ours is like; an earlier version made the file without the mark of its first line. */
function isForeign(now: string): boolean {
  const content = now.slice(now.indexOf('\n') + 1)
  return now.startsWith('file') && !parseMark(content) && /^(?!d \/run\/reverse-tunnel[ /])\S/m.test(content)
}

/** The names that a file which several inventories share has now. */
export const accountsIn = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].flatMap(([, names = '']) => names.split(','))

/**
 * Of accounts that this run does not want: those that it leaves as they are. Ours that are no more have left already.
 */
export function staying(names: readonly string[], gateway: Gateway, closing: Closing, seen: Seen): string[] {
  const prefix = accountPrefix(gateway)
  return names.filter((name) => {
    const comment = commentOf(name, gateway, seen)
    if (comment === undefined && name.startsWith(prefix)) return false
    return !closing.account(name, parseMark(comment ?? ''), seen)
  })
}

/** In an order that does not depend on whose inventory it is. */
export const together = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])].sort()

export interface ListenerWish {
  readonly forward: Forward
  readonly account: string
  readonly mark: Mark
}

/** Everything that systemd needs to own these ports. */
export function listenerUnits(wishes: readonly ListenerWish[]): Unit[] {
  return wishes.length === 0 ? [] : [again, ...wishes.flatMap(listener)]
}

function listener({ forward, account, mark }: ListenerWish): Unit[] {
  const name = `${unitPrefix}${socketName(forward)}`
  const what = `${printListener(forward)} of ${mark.device ?? forward.device}`
  return [
    { name: `${name}.socket`, content: marked(mark, socket(forward, what)), wantedBy: 'sockets.target' },
    { name: `${name}.service`, content: marked(mark, proxy(forward, what, account)) },
  ]
}

/** The units of a forward, by the name of its socket. */
export const isUnitOf = (name: string, forward: Pick<Forward, 'bindAddress' | 'port'>) =>
  name.replace(/\.(socket|service)$/, '') === `${unitPrefix}${socketName(forward)}`

/**
 * A socket unit that cannot get its port fails and is not restarted by systemd; one that is called too often stops for
 * good (TriggerLimitBurst, systemd.socket(5)). Neither may end a forward.
 */
const socket = (forward: Forward, what: string) => `[Unit]
Description=${what}
StartLimitIntervalSec=0
OnFailure=${unitPrefix}again@%n.service

[Socket]
${listens(forward).join('\n')}
FreeBind=yes
NoDelay=yes
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`

/** Alone, `*` is every address of both kinds; `::` in ssh's words is IPv6 only. */
function listens({ bindAddress, port }: Forward): string[] {
  if (bindAddress === '*') return [`ListenStream=${port}`]
  return [
    `ListenStream=${printListener({ bindAddress, port })}`,
    ...(bindAddress.includes(':') ? ['BindIPv6Only=ipv6-only'] : []),
  ]
}

/**
 * Carries bytes between the port and the device's unix socket, as that device's account: no other may open it. It
 * starts at the first connection, and a fleet that is verified starts many at once. Measured beside a hundred machines
 * on Debian 13: ProtectHome makes that 70 ms slower, and with PrivateTmp and PrivateDevices it is 150 ms instead of
 * these 60.
 */
const proxy = (forward: Forward, what: string, account: string) => `[Unit]
Description=${what}, to its tunnel
Requires=${unitPrefix}${socketName(forward)}.socket
After=${unitPrefix}${socketName(forward)}.socket
StartLimitIntervalSec=0

[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd --exit-idle-time=60s ${jail(account)}/s/${socketName(forward)}
User=${account}
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
InaccessiblePaths=-/home -/root -/tmp -/var/tmp
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
LogLevelMax=notice
`

/** Of every forward, whosever it is. */
export const againUnit = `${unitPrefix}again@.service`

/**
 * A loop, and not one try for each failure: systemd drops a start that comes while the last one has not quite ended.
 */
const again: Unit = {
  name: againUnit,
  content: `# provision -
[Unit]
Description=Until %i has its port, which somebody else holds
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh -c 'while sleep 2 && [ -e /etc/systemd/system/%i ]; do systemctl start %i 2>/dev/null && break; done'
`,
}
