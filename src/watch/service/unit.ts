import { join } from 'node:path'
import { type Mark, marked } from '../../resources/mark.ts'

/** Everything of the service of one inventory, by its identity. */
export const serviceName = (id: string) => `provision-watch-${id}`
/** No longer than an account's name may be. */
const serviceAccount = (id: string) => `watch-${id.slice(0, 26)}`
export const serviceUnit = (id: string) => `${serviceName(id)}.service`
export const unitFile = (id: string) => `/etc/systemd/system/${serviceUnit(id)}`
/** Root's own, for all services of this machine, and in it one folder for each. */
export const allServices = '/etc/provision-watch'
export const serviceFolder = (id: string) => join(allServices, id)
export const serviceKey = (id: string) => join(serviceFolder(id), 'key')
/** What `env:` in the inventory means for the service; people write it. */
export const serviceEnvironment = (id: string) => join(serviceFolder(id), 'environment')
export const serviceState = (id: string) => `/var/lib/${serviceName(id)}`

export interface ServiceWish {
  readonly id: string
  readonly mark: Mark
  /** Absolute paths: Node, the command, the inventory. */
  readonly node: string
  readonly program: string
  readonly inventory: string
  /** What `provision watch` is given beside them. */
  readonly words: readonly string[]
  /** Of all paths that it reads, those that may be in a place which the service does not see. */
  readonly reads: readonly string[]
}

/**
 * An account of its own that exists while it runs, which may write its record and nothing else, and reaches hosts with
 * a key that can only look. systemd gives it that key, and starts it again where it says nothing for a minute.
 */
export function serviceText({ id, mark, node, program, inventory, words, reads }: ServiceWish): string {
  const command = [node, program, 'watch', inventory, '--state', serviceState(id), ...words].map(quoted)
  const binds = reads.filter((path) => /^\/(home|root|run\/user|tmp|var\/tmp)(\/|$)/.test(path)).map(quoted)
  return marked(
    mark,
    `[Unit]
Description=Watches the devices of ${inventory.replaceAll('%', '%%')}
Documentation=man:provision(1)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command.join(' ')} --key \${CREDENTIALS_DIRECTORY}/key
Environment=HOME=${serviceState(id)}
LoadCredential=key:${serviceKey(id)}
EnvironmentFile=-${serviceEnvironment(id)}
DynamicUser=yes
User=${serviceAccount(id)}
StateDirectory=${serviceName(id)}
StateDirectoryMode=0700
UMask=0077
Restart=always
RestartSec=2
WatchdogSec=60
# One that is frozen hears no other; the record survives it.
WatchdogSignal=SIGKILL
${binds.length > 0 ? `BindReadOnlyPaths=${binds.join(' ')}\n` : ''}${sandbox}
[Install]
WantedBy=multi-user.target
`,
  )
}

/** In words of systemd.exec(5): a path may hold spaces, `%` and `$`. */
const quoted = (word: string) =>
  /^[\w@%+=:,./-]+$/.test(word) && !word.includes('%')
    ? word
    : `"${word.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`

const sandbox = `CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
DevicePolicy=closed
LockPersonality=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=tmpfs
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
`
