import { type Device, type Gateway, nameOnGateways } from '../inventory/model.ts'

export { nameOnGateways } from '../inventory/model.ts'

/** All units of tunnels, on gateways and devices, begin like this. */
export const unitPrefix = 'reverse-tunnel-'
/** Root's own file on the gateway with the keys of devices that share an account, and what each of them may do. */
export const sharedKeys = '/etc/ssh/reverse-tunnel/authorized_keys'

/** Where everything of a tunnel is, on the device. */
export const key = '/etc/reverse-tunnel/id_ed25519'
export const knownHosts = '/etc/reverse-tunnel/known_hosts'
export const checkProgram = '/etc/reverse-tunnel/check'
/** On a fresh card, until every gateway has said yes to it. */
export const firstBoot = '/etc/reverse-tunnel/first-boot'
/** Seconds that autossh may wait between two tries. */
export const autosshPoll = 15
/** The unprivileged account that dials. */
export const dialler = 'reverse-tunnel'
/** Root's own folder on the gateway with what devices' keys may do, out of the reach of their accounts. */
export const gatewayFolder = '/etc/ssh/reverse-tunnel'
export const keysFolder = '/etc/ssh/reverse-tunnel/keys'
/** On the gateway: the only place that a device's account sees, and in it the only folder that it may write. */
export const jail = (account: string) => `/run/reverse-tunnel/${account}`

/** On a gateway: makes those folders at every boot, since /run is empty then. */
export const jailFile = '/etc/tmpfiles.d/reverse-tunnel.conf'

export const accountPrefix = (gateway: Gateway) => `${gateway.tunnelAccount.slice(0, 20)}-`

/** The account on a gateway that is one device's own: at most 32 characters, another one for every name. */
export function accountOf(gateway: Gateway, device: Device): string {
  const prefix = accountPrefix(gateway)
  return `${prefix}${short(nameOnGateways(device).toLowerCase(), 32 - prefix.length)}`
}

/** Where the fresh cards that a gateway waits for are written down, and what they have handed in. */
export const enrolments = '/etc/ssh/reverse-tunnel/enrolments'
export const enrolledFolder = '/etc/ssh/reverse-tunnel/enrolled'
export const enrolProgram = '/etc/ssh/reverse-tunnel/enrol'
/** Not one of the names that begin as those of devices' accounts do. */
export const enrolAccount = (gateway: Gateway) => `enrol-${gateway.tunnelAccount}`.slice(0, 32)
export const enrolDropIn = '00-reverse-tunnel-enrol'

/** The path of a unix socket has room for 108 bytes, of which ssh takes 17 more while it makes one. */
export const controlSocket = (gateway: Gateway) => `/run/reverse-tunnel/${short(gateway.name, 40)}`

export const tunnelUnitName = (gateway: Gateway) => `${unitPrefix}${gateway.name}.service`
/** What looks at it from outside. */
export const checkUnitName = (gateway: Gateway) => `${unitPrefix}${gateway.name}-check.service`

/** The same number below 2^32 for the same name, on every machine (FNV-1a). */
export function digestOf(name: string): number {
  return [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5)
}

/** The first label and a digest of the whole, in letters that every name may hold. */
function short(name: string, most: number): string {
  const label = name.replace(/\..*/, '').replaceAll(/[^a-z0-9-]/gi, '-')
  return `${label.slice(0, most - 8)}-${digestOf(name).toString(36).padStart(7, '0')}`.replace(/^-/, '')
}

/** On a gateway: the account of this inventory's watchers, which can do nothing but look, and what it needs. */
export const lookAccount = (id: string) => `look-${id.slice(0, 27)}`
/** Root's own, with the program that looks and the keys that may ask it. */
export const lookFolder = (id: string) => `/etc/ssh/reverse-tunnel/look-${id}`
/** The only place that this account sees, and in it the socket at which it asks. */
export const lookJail = (id: string) => `/run/provision-look-${id}`
export const lookSocket = '/ask'
