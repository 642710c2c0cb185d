import type { Change, Device, Gateway, Inventory, Resource } from '../../src/index.ts'
import { lines, managedFile, noSystemAccount, printMark, sh, sshdSettings, systemdUnits } from '../../src/index.ts'
import { accountOn, dials, listenerOf, mayListen } from '../../src/tunnel/accounts.ts'
import { markFor } from '../../src/tunnel/marks.ts'
import {
  enrolAccount,
  enrolDropIn,
  enrolledFolder,
  enrolments,
  enrolProgram,
  keysFolder,
  nameOnGateways,
  sharedKeys,
} from '../../src/tunnel/names.ts'
import { systemAccount } from '../accounts.ts'
import enrolText from './enrol.sh'
import { enrolRun, enrolUnit, enrolUnits, isEnrolUnit } from './enrol-units.ts'
import { enrolSettings } from './sshd-settings.ts'

/**
 * What a device with a fresh card needs of its gateway: an account that can do nothing but hand in keys, and who looks
 * at them.
 */
export function enrolmentAccess(
  gateway: Gateway,
  inventory: Inventory,
): { readonly ahead: Resource[]; readonly settings: Resource } {
  const name = enrolAccount(gateway)
  return {
    ahead: [
      // sshd runs even a forced command by the account's shell.
      systemAccount(inventory, name, '/bin/sh'),
      managedFile(enrolProgram, {
        content: enrolText,
        mode: '755',
        activate: sh`systemctl try-restart ${`${enrolUnit}.service`}`,
      }),
      systemdUnits(enrolUnit, enrolUnits(name, markFor(inventory)), { owns: isEnrolUnit }),
    ],
    settings: sshdSettings(enrolDropIn, enrolSettings(name)),
  }
}

/** Is any of the cards that this run makes for a device of this gateway? */
export const enrolling = (gateway: Gateway, { devices, enrol = [] }: Inventory) =>
  devices.some((device) => dials(device, gateway) && enrol.some((one) => one.device === nameOnGateways(device)))

/**
 * The cards that may hand in keys: those that this run makes, and earlier ones. One that has handed in keys is removed
 * when its device was reached, for by these keys the device is known; another one when its time is over. With the last
 * one everything goes that they needed.
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
          if [ -e "$record" ]; then echo "@enrolled \${record##*/} $(head -n 1 "$record" | cut -d ' ' -f 2)"; fi
        done
        echo "@account $(${gone.inspect})"
      fi
      ${file.inspect}
    `,
    diff(now, seen) {
      const { before, over, records, account: there, text } = parse(now)
      const kept = before.filter((row) => {
        const name = nameOf(row)
        const device = inventory.devices.find((one) => nameOnGateways(one) === name)
        const leaves = inventory.leaving?.some((one) => nameOnGateways(one) === name)
        // A card of another inventory, which shares the gateway.
        if (!device && !leaves) return !over.has(name)
        if (!device || !dials(device, gateway) || inventory.enrol?.some((one) => one.device === name)) return false
        return records.get(name) === row.split(' ')[5] ? seen.gone(device.name) : !over.has(name)
      })
      const fresh = rowsOf(gateway, inventory)
      const wanted = [...kept, ...fresh]
      if (before.length === 0 && wanted.length === 0) return 'converged'
      const change = managedFile(enrolments, { content: wanted.map((row) => `${row}\n`).join('') }).diff(text, seen)
      if (typeof change === 'string' || 'refused' in change) return change
      const left = kept.map(nameOf)
      const removedNames = before.map(nameOf).filter((name) => !wanted.map(nameOf).includes(name))
      const removed = [...records.keys()].flatMap((name) => (left.includes(name) ? [] : `${enrolledFolder}/${name}`))
      const summary = [
        ...(fresh.length > 0 ? [`accept one enrolment of ${fresh.map(nameOf).join(', ')}`] : []),
        ...(removedNames.length > 0 ? [`remove the enrolment of ${removedNames.join(', ')}`] : []),
      ].join('; ')
      const saves = [...change.saves, enrolledFolder, ...removed]
      // What systemd makes there for the first card it would leave.
      const undo = before.length === 0 ? { undo: sh`rm -rf ${enrolRun}` } : {}
      return wanted.length > 0
        ? { ...change, ...undo, summary, saves, commit: lines(change.commit, sh`rm -f ${removed}`) }
        : shut({ ...change, summary, saves }, gone.diff(there, seen))
    },
  }
}

const nameOf = (row: string) => row.split(' ')[3] ?? ''

function parse(now: string) {
  const rows = now.split('\n')
  const at = rows.findIndex((row) => /^(file|absent|other)( |$)/.test(row))
  const file = rows.slice(at < 0 ? 0 : at)
  const records = [...now.matchAll(/^@enrolled (\S+) (\S+)$/gm)]
  return {
    /** As the file's own inspect printed it. */
    text: file.join('\n'),
    before: file.slice(1).filter((row) => row !== ''),
    over: new Set([...now.matchAll(/^@over (\S+)$/gm)].map(([, name = '']) => name)),
    /** Device → the digest of the token of the card that it came with. */
    records: new Map(records.map(([, name = '', digest = '']) => [name, digest])),
    account: /^@account (.+)$/m.exec(now)?.[1] ?? '',
  }
}

/** The last enrolment goes, and with it all that enrolments need. sshd need not be reloaded: the account is gone. */
function shut({ summary, text, saves }: Change, account: ReturnType<Resource['diff']>): Change {
  const without = typeof account === 'string' || 'refused' in account ? undefined : account
  const paths = [
    enrolProgram,
    `/etc/ssh/sshd_config.d/${enrolDropIn}.conf`,
    `/etc/systemd/system/sockets.target.wants/${enrolUnit}.socket`,
    `/etc/systemd/system/${enrolUnit}.socket`,
    `/etc/systemd/system/${enrolUnit}.service`,
  ]
  return {
    summary: `${summary}; no enrolment is left, so remove the enrolment service`,
    effect: 'remove',
    ...(text && { text }),
    saves: [...saves, ...paths],
    commit: lines(sh`rm -rf ${[enrolments, enrolledFolder, ...paths]}`, without?.commit),
    activate: sh`
      systemctl stop ${enrolUnit}.socket ${enrolUnit}.service 2>/dev/null || :
      # It may have been in the middle of a request.
      rm -rf ${enrolledFolder} ${enrolRun}
      systemctl daemon-reload
    `,
    undo: lines(
      without?.undo,
      sh`
        systemctl daemon-reload
        systemctl start --no-block ${enrolUnit}.socket
      `,
    ),
  }
}

/** A key line for sshd, and behind it, as its comment, what the program needs to know. */
function rowsOf(gateway: Gateway, inventory: Inventory): string[] {
  const { devices, enrol = [] } = inventory
  return enrol.flatMap(({ device: name, publicKey, tokenDigest, expires }) => {
    const device = devices.find((one) => nameOnGateways(one) === name)
    if (!device || !dials(device, gateway)) return []
    const options = `restrict,command="${enrolProgram}",expiry-time="${latest(expires)}"`
    const file = listenerOf(gateway, device) === 'sshd' ? sharedKeys : `${keysFolder}/${accountOn(gateway, device)}`
    const mark = printMark(markFor(inventory, device))
    return [[options, publicKey, name, expires, tokenDigest, file, tunnelKeyOptions(gateway, device), mark].join(' ')]
  })
}

/** In what stands before a device's key, whoever writes the line. */
export const tunnelKeyOptions = (gateway: Gateway, device: Device) =>
  ['restrict', 'port-forwarding', ...(listenerOf(gateway, device) === 'sshd' ? mayListen(gateway, device) : [])].join(
    ',',
  )

/**
 * For sshd, which up to 9.0 knows only its own time zone: 26 hours later than the program, which looks at the second,
 * so that sshd is never the stricter one and the log says why.
 */
const latest = (expires: number) =>
  new Date((expires + 26 * 3600) * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14)
