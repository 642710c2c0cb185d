import type { Device, Gateway, Inventory, Resource, Unit } from '../../src/index.ts'
import { account, lines, managedFile, noSystemAccount, sh, sshdSettings, systemdUnits } from '../../src/index.ts'
import enrolText from './enrol.sh'
import { enrolSettings } from './gateway.ts'
import {
  enrolAccount,
  enrolDropIn,
  enrolledFolder,
  enrolments,
  enrolProgram,
  gatewayFolder,
  keysFolder,
  sharedKeys,
} from './names.ts'
import { accountOn, dials, listenerOf, mayListen } from './tunnels.ts'

const units = 'provision-enrol'

/** What a device with a fresh card needs of its gateway: an account that can do nothing but hand in keys, and who looks at them. */
export function enrolmentDoor(gateway: Gateway): { readonly ahead: Resource[]; readonly settings: Resource } {
  const name = enrolAccount(gateway)
  return {
    ahead: [
      // sshd runs even a forced command by the account's shell.
      account(name, { system: true, shell: '/bin/sh' }),
      managedFile(enrolProgram, {
        content: enrolText,
        mode: '755',
        activate: sh`systemctl try-restart ${`${units}.service`}`,
      }),
      systemdUnits(units, [socket(name), service]),
    ],
    settings: sshdSettings(enrolDropIn, enrolSettings(name)),
  }
}

/** Is any of the cards that this run makes for a device of this gateway? */
export const enrolling = (gateway: Gateway, { devices, enrol = [] }: Inventory) =>
  devices.some((device) => dials(device, gateway) && enrol.some((one) => one.device === device.name))

/**
 * The cards that may hand in keys: those that this run makes, and those of before whose time is not over. One is forgotten
 * when its device was reached after it had handed in its keys. With the last one everything goes that they needed.
 */
export function enrolmentsOn(gateway: Gateway, inventory: Inventory): Resource {
  const file = managedFile(enrolments, { content: '' })
  const gone = noSystemAccount(enrolAccount(gateway))
  return {
    id: 'enrolments',
    inspect: sh`
      if [ -e ${enrolments} ]; then
        now=$(date +%s)
        while read -r _ _ _ device expires _; do
          if [ "\${expires:-0}" -le "$now" ]; then echo "@over $device"; fi
        done <${enrolments}
        for record in ${enrolledFolder}/*; do
          if [ -e "$record" ]; then echo "@enrolled \${record##*/} $(cut -d ' ' -f 2 "$record")"; fi
        done
        echo "@account $(getent passwd ${enrolAccount(gateway)} | cut -d : -f 3)"
      fi
      ${file.inspect}
    `,
    diff(now, seen) {
      const rows = now.split('\n')
      const at = rows.findIndex((row) => /^(file|absent|other)( |$)/.test(row))
      const text = rows.slice(at < 0 ? 0 : at)
      const before = text.slice(1).filter((row) => row !== '')
      const over = new Set(rows.flatMap((row) => /^@over (\S+)$/.exec(row)?.[1] ?? []))
      const handedIn = new Map(
        rows.flatMap((row): [string, string][] => {
          const [, device = '', digest = ''] = /^@enrolled (\S+) (\S+)$/.exec(row) ?? []
          return device ? [[device, digest]] : []
        }),
      )
      const kept = before.filter((row) => {
        const [, , , name = '', , digest] = row.split(' ')
        const device = inventory.devices.find((one) => one.name === name)
        if (!device || !dials(device, gateway) || inventory.enrol?.some((one) => one.device === name)) return false
        return !over.has(name) && (seen.gone(name) || handedIn.get(name) !== digest)
      })
      const fresh = rowsOf(gateway, inventory)
      const wanted = [...kept, ...fresh]
      if (before.length === 0 && wanted.length === 0) return 'converged'
      const forgotten = before.filter((row) => !wanted.includes(row)).map((row) => row.split(' ')[3] ?? '')
      const stay = wanted.map((row) => row.split(' ')[3] ?? '')
      const records = [...handedIn.keys()].filter((name) => forgotten.includes(name) || !stay.includes(name))
      const removed = records.map((name) => `${enrolledFolder}/${name}`)
      const change = managedFile(enrolments, { content: wanted.map((row) => `${row}\n`).join('') }).diff(
        text.join('\n'),
        seen,
      )
      if (typeof change === 'string' || 'refused' in change) return change
      const summary = [
        ...(fresh.length > 0 ? [`let in once ${fresh.map((row) => row.split(' ')[3]).join(', ')}`] : []),
        ...(forgotten.some((name) => !stay.includes(name))
          ? [`forget ${forgotten.filter((name) => !stay.includes(name)).join(', ')}`]
          : []),
      ].join('; ')
      const saved = { saves: [...change.saves, ...removed] }
      if (wanted.length > 0) {
        return { ...change, ...saved, summary, commit: lines(change.commit, sh`rm -f ${removed}`) }
      }
      return shut(rows, { ...change, ...saved, summary }, gone.diff(idOf(rows), seen))
    },
  }
}

const idOf = (rows: readonly string[]) => rows.flatMap((row) => /^@account (\d+)$/.exec(row)?.[1] ?? [])[0] ?? ''

type Verdict = ReturnType<Resource['diff']>
type Change = Exclude<Verdict, string | { refused: string }>

/** The last one goes, and its door with it. sshd need not be told: the account is gone. */
function shut(_rows: readonly string[], change: Change, account: Verdict): Verdict {
  const without = typeof account === 'string' || 'refused' in account ? undefined : account
  const paths = [
    enrolments,
    enrolledFolder,
    enrolProgram,
    `/etc/ssh/sshd_config.d/${enrolDropIn}.conf`,
    `/etc/systemd/system/sockets.target.wants/${units}.socket`,
    `/etc/systemd/system/${units}.socket`,
    `/etc/systemd/system/${units}.service`,
  ]
  const { text, summary } = change
  return {
    summary: `${summary}; nobody is left to be let in, so remove what that needs`,
    ...(text && { text }),
    saves: [gatewayFolder, ...paths],
    commit: lines(sh`rm -rf ${paths}`, without?.commit),
    activate: sh`
      systemctl stop ${units}.socket ${units}.service 2>/dev/null || :
      systemctl daemon-reload
    `,
    undo: lines(
      without?.undo,
      sh`
        systemctl daemon-reload
        systemctl start --no-block ${units}.socket
      `,
    ),
  }
}

/** A key line for sshd, and behind it, as its comment, what the program needs to know. */
function rowsOf(gateway: Gateway, { devices, enrol = [] }: Inventory): string[] {
  return enrol.flatMap(({ device: name, publicKey, tokenDigest, expires }) => {
    const device = devices.find((one) => one.name === name)
    if (!device || !dials(device, gateway)) return []
    const options = `restrict,command="${enrolProgram}",expiry-time="${latest(expires)}"`
    const file = listenerOf(gateway, device) === 'sshd' ? sharedKeys : `${keysFolder}/${accountOn(gateway, device)}`
    return [[options, publicKey, name, expires, tokenDigest, file, tunnelKeyOptions(gateway, device)].join(' ')]
  })
}

/** In what stands before a device's key, whoever writes the line. */
export const tunnelKeyOptions = (gateway: Gateway, device: Device) =>
  ['restrict', 'port-forwarding', ...(listenerOf(gateway, device) === 'sshd' ? mayListen(gateway, device) : [])].join(
    ',',
  )

/**
 * For sshd, which up to 9.0 knows only its own time zone: 26 hours later than the program, which looks at the second, so
 * that sshd is never the stricter one and the log says why.
 */
const latest = (expires: number) =>
  new Date((expires + 26 * 3600) * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14)

const socket = (account: string): Unit => ({
  name: `${units}.socket`,
  wantedBy: 'sockets.target',
  content: `[Unit]
Description=Keys that devices with fresh cards hand in

[Socket]
ListenFIFO=/run/provision-enrol/requests
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
const service: Unit = {
  name: `${units}.service`,
  content: `[Unit]
Description=Looks at the keys that devices with fresh cards hand in
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${enrolProgram} settle
SyslogIdentifier=${units}
SyslogFacility=auth
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${gatewayFolder} /run/provision-enrol
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
