import { type Mark, marked, parseMark, type Unit } from '../../src/index.ts'
import { enrolProgram, gatewayFolder } from '../../src/tunnel/names.ts'

export const enrolUnit = 'provision-enrol'
/** Where requests come in, and answers go out. */
export const enrolRun = '/run/provision-enrol'

/** The pipe into which the account of enrolments writes requests, and who reads them. */
export const enrolUnits = (account: string, mark: Mark): Unit[] =>
  [socket(account), service].map((unit) => ({ ...unit, content: marked(mark, unit.content) }))

/** By its mark, or where an earlier version made it, by its words. */
export const isEnrolUnit = (content: string): boolean =>
  parseMark(content) !== undefined || /^Description=.*keys that devices with fresh cards hand in$/im.test(content)

type Plain = Unit & { readonly content: string }

const socket = (account: string): Plain => ({
  name: `${enrolUnit}.socket`,
  wantedBy: 'sockets.target',
  content: `[Unit]
Description=Keys that devices with fresh cards hand in

[Socket]
ListenFIFO=${enrolRun}/requests
SocketUser=root
SocketGroup=${account}
SocketMode=0620
DirectoryMode=0755
TriggerLimitIntervalSec=0
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`,
})

/** Root only for the sake of the files that it owns: no capability, no network, and it may write these two folders. */
const service: Plain = {
  name: `${enrolUnit}.service`,
  content: `[Unit]
Description=Looks at the keys that devices with fresh cards hand in
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${enrolProgram} settle
SyslogIdentifier=${enrolUnit}
SyslogFacility=auth
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${gatewayFolder} ${enrolRun}
ProtectHome=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
`,
}
