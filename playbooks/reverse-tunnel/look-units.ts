import { type Gateway, type Mark, marked, type Unit } from '../../src/index.ts'
import { accountPrefix, lookAccount, lookFolder, lookJail, lookSocket } from '../../src/tunnel/names.ts'

export const lookUnit = (id: string) => `provision-look-${id}`

/** The socket at which watchers ask, and the program that answers: one process for each question. */
export const lookUnits = (gateway: Gateway, id: string, mark: Mark): Unit[] =>
  [
    { name: `${lookUnit(id)}.socket`, wantedBy: 'sockets.target', content: socket(id) },
    { name: `${lookUnit(id)}@.service`, content: service(gateway, id) },
  ].map((unit) => ({ ...unit, content: marked(mark, unit.content) }))

const socket = (id: string) => `[Unit]
Description=Where watchers ask how the tunnels are

[Socket]
ListenStream=${lookJail(id)}${lookSocket}
Accept=yes
MaxConnections=16
SocketUser=${lookAccount(id)}
SocketMode=0600
DirectoryMode=0755
RemoveOnStop=yes
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`

/** Root only to see whose process holds a port, and to read sshd's log: it may write nothing anywhere. */
const service = (gateway: Gateway, id: string) => `[Unit]
Description=Tells a watcher how the tunnels are
CollectMode=inactive-or-failed

[Service]
ExecStart=/bin/sh ${lookFolder(id)}/program ${gateway.tunnelAccount} ${accountPrefix(gateway)}
StandardInput=socket
StandardOutput=socket
StandardError=null
RuntimeMaxSec=3700
LogLevelMax=notice
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources
`
