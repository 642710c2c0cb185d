/**
 * The inventory as the rest of the program sees it: every default written out, every reference checked.
 * The shape that users write is `inventory/schema.json`; `inventory.ts` turns one into the other.
 */

export interface Inventory {
  /** As the user named it, for messages. */
  readonly file: string
  /** Absolute folder of the inventory: `known_hosts` lives here, and paths in it start here. */
  readonly directory: string
  /**
   * The identity that marks what it makes. Absent: nothing that changes has been run yet, or the file could not be
   * written.
   */
  readonly id?: string
  readonly gateways: readonly Gateway[]
  readonly devices: readonly Device[]
  readonly clients: readonly Client[]
  readonly groups: readonly Group[]
  /** Who is told of outages. */
  readonly alerts?: readonly Alert[]
  readonly watch?: WatchSettings
  /** What this run is asked to renew; never in the file. */
  readonly rotate?: Rotation
  /** Devices that this run takes away: none of `devices`; never in the file. */
  readonly leaving?: readonly Device[]
  /** Does this run remove what this inventory once made and does not name any more; never in the file. */
  readonly prune?: boolean
  /** Accounts, units and `ADDRESS:PORT` of others that this run takes over; never in the file. */
  readonly adopt?: readonly string[]
  /** Fresh cards that this run lets hand in their keys; never in the file. */
  readonly enrol?: readonly Enrolment[]
  /** What earlier runs have kept beside the file. */
  readonly kept?: Kept
  /** The gateway that this run brings back after it was installed anew; never in the file. */
  readonly restored?: string
}

/**
 * What it takes to bring a gateway back that was installed anew. Devices stand under the names by which gateways know
 * them.
 */
export interface Kept {
  /** The keys that each device's tunnel may log in with, the present one first: `ssh-ed25519 AAAA…`. */
  readonly tunnelKeys: Readonly<Record<string, readonly string[]>>
  /** By gateway: the newest last; while it takes the place of another one, both. */
  readonly spareHostKeys: Readonly<Record<string, readonly SpareHostKey[]>>
  /** Gateways that could not be brought back from here, a sentence each. */
  readonly warnings?: readonly string[]
}

/** A host key that devices trust before their gateway has it. Its private half is with an admin. */
export interface SpareHostKey {
  readonly key: string
  /** `alice on laptop`: where its private half was made. */
  readonly madeBy: string
  /** Devices whose known_hosts had it when they were seen last. */
  readonly trustedBy: readonly string[]
}

/** Some devices, by a name that `--limit` knows. What they share is written out in each of them. */
export interface Group {
  readonly name: string
  readonly devices: readonly string[]
}

/** What a gateway is told of a card. Its secrets are on the card alone. */
export interface Enrolment {
  readonly device: string
  /** Of the card's one-time key: `ssh-ed25519 AAAA…`. */
  readonly publicKey: string
  /** SHA-256 of the card's token, in hex. */
  readonly tokenDigest: string
  /** Seconds since 1970. */
  readonly expires: number
}

export interface Rotation {
  /** The gateway that gets new host keys. */
  readonly hostKeys?: string
  /** The gateway that gets another spare host key. */
  readonly spareHostKey?: string
  /** The devices that get new keys for their tunnels. */
  readonly devices?: readonly string[]
}

export interface Host {
  readonly role: 'gateway' | 'device'
  /** Its HostKeyAlias everywhere. Legal host name characters only. */
  readonly name: string
  /** Where the admin machine reaches it; absent: whatever the user's ssh_config says for the name, else the name. */
  readonly address?: string
  /** Absent: the user's ssh_config, else 22. */
  readonly port?: number
  /**
   * Pins: `ssh-ed25519 AAAA…`, `SHA256:…`, or `@cert-authority ssh-ed25519 AAAA…`. Empty: the known_hosts file beside
   * the inventory.
   */
  readonly hostKeys: readonly string[]
  readonly login: Login
  readonly accounts: readonly Account[]
  /** How strict its sshd is with what others speak: `compatible` leaves the algorithms as they are. */
  readonly profile: 'compatible' | 'strict'
  /** false: nobody logs in with a password. true: as it is. */
  readonly passwordLogin: boolean
}

export interface Gateway extends Host {
  readonly role: 'gateway'
  /** Where devices reach it. */
  readonly dial: { readonly address: string; readonly port: number }
  /** The account of devices whose ports sshd owns, and the beginning of the names of the others' own accounts. */
  readonly tunnelAccount: string
  /** Those that `provision add` chooses from. */
  readonly ports?: PortRange
}

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

export interface Device extends Host {
  readonly role: 'device'
  readonly forwards: readonly Forward[]
  /** The name by which its gateways know it, where that is not its name any more. */
  readonly knownAs?: string
  /** Ways in, tried in order: `direct`, `forward`, or a gateway's name. */
  readonly via: readonly string[]
  readonly supervisor: 'systemd' | 'autossh'
  /** Seconds; the settings of its tunnels are derived from it. */
  readonly recoverWithin?: number
  /** What a fresh card joins; nothing else looks at it. */
  readonly wifi?: Wifi
}

/** Where a secret is kept: an environment variable, or the first line of a file; the path is absolute. */
export type SecretPlace = { readonly env: string } | { readonly file: string }

/** A target of alerts. */
export type Alert = AlertWay & {
  /** Only what happens to devices of these groups. */
  readonly groups?: readonly string[]
  /** Minutes of the day between which nothing is sent. */
  readonly quiet?: { readonly from: number; readonly until: number }
}

export type AlertWay =
  | { readonly kind: 'webhook'; readonly url: SecretPlace; readonly secret?: SecretPlace }
  | { readonly kind: 'ntfy'; readonly url: SecretPlace; readonly token?: SecretPlace }
  | { readonly kind: 'chat'; readonly url: SecretPlace }
  | { readonly kind: 'mail'; readonly to: string; readonly from?: string; readonly smtp?: SecretPlace }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }

export interface WatchSettings {
  /** Seconds until a condition counts. */
  readonly after?: number
  readonly keepMonths?: number
  /** Public keys with which watchers may look at gateways: `ssh-ed25519 AAAA…`, and a comment. */
  readonly keys?: readonly string[]
  readonly heartbeat?: SecretPlace
}

export interface Wifi {
  readonly ssid: string
  readonly passphrase: SecretPlace
  /** Two capital letters. */
  readonly country?: string
}

/** One `-R bindAddress:port:host:hostPort`. Addresses are bare: IPv6 without brackets, the bind address never empty. */
export interface Forward {
  readonly device: string
  readonly gateway: string
  readonly bindAddress: string
  readonly port: number
  readonly host: string
  readonly hostPort: number
  /** Who owns the port: sshd itself, or systemd with the device's unix socket behind it. */
  readonly listener: 'sshd' | 'socket'
  /** May strangers reach the port: the bind address is not loopback, and the user said so. */
  readonly expose: boolean
}

/** How the admin machine logs in. What is absent comes from the user's ssh_config, agent and keys. */
export interface Login {
  readonly user?: string
  /** Absolute path of a private key (or of its public half, the private one being in the agent). */
  readonly identityFile?: string
  /** false: never; true: through sudo where the user is not root. */
  readonly sudo: boolean
  /** Whose ssh it is. Absent: `node-ssh`. */
  readonly transport?: 'node-ssh' | 'openssh'
}

export interface Account {
  readonly name: string
  /** Whole public key lines, already read from their files. */
  readonly authorizedKeys: readonly string[]
  /** Remove keys that are not listed. */
  readonly exclusive: boolean
  /** The addresses that these keys may come from, in the words of a key's `from=`. Absent: from everywhere. */
  readonly from?: readonly string[]
}

/** A machine that people log in from. */
export interface Client {
  readonly name: string
  readonly user?: string
  readonly identityFile?: string
  readonly port?: number
}

/** The name by which gateways know a device: its own, or the one that it had before it was renamed. */
export const nameOnGateways = ({ name, knownAs }: Pick<Device, 'name' | 'knownAs'>): string => knownAs ?? name

export function hosts(inventory: Pick<Inventory, 'gateways' | 'devices' | 'leaving'>): readonly (Gateway | Device)[] {
  return [...inventory.gateways, ...inventory.devices, ...(inventory.leaving ?? [])]
}
