// Made from inventory/schema.json by `npm run generate`; do not edit.

/** The host name or IP address at which the machine you run provision on reaches this host. Default: its name, as your ~/.ssh/config and DNS have it. */
export type Address = string
/** The host keys this host may show: public keys ("ssh-ed25519 AAAA…"), fingerprints ("SHA256:…"), or the key of an authority that signs host certificates ("@cert-authority ssh-ed25519 AAAA…"). Default: those in the known_hosts file beside this file, which `provision trust` writes. */
export type HostKeys = string[]
/** How strict sshd is about algorithms. "compatible" (the default): those of the system. "strict": only algorithms that ssh-audit accepts; OpenSSH from 8.4 on and programs made with ssh2 can still log in. docs/security.md has the list. */
export type Profile = 'compatible' | 'strict'
/** false: only keys are accepted, no password and no keyboard-interactive login. provision itself always logs in with a key, and proves that by a fresh login before the change stays. true (the default): what the system allows. */
export type PasswordLogin = boolean
/** "[bind_address:]port:host:hostport", as for ssh -R: whoever connects to port on the gateway reaches host:hostport as the device sees it. Or an object with the same parts by name. */
export type Forward = string | ForwardObject
/** Seconds within which the forwards are back after the worst fault, counted from the moment when power or the link is back. The longest keepalive interval that meets this time is chosen; where none does, the plan says why. Default: 5 s keepalives, back within 20 s. */
export type RecoverWithin = number

/** The machines that provision looks after: gateways that everybody can reach, devices that cannot be reached directly, and the tunnels between them. */
export interface InventoryFile {
  /** Where this schema is, so that editors complete keys and explain them while you type. provision itself does not read it. */
  $schema?: string
  /** The identity of this inventory: part of the mark on everything that provision makes, so that two inventories can share a gateway and each removes only what it made itself. `provision init` writes it; else the first run that changes hosts does. A copy that becomes a separate inventory needs another one. */
  id?: string
  login?: Login
  /** The profile of every host that does not set its own. */
  profile?: 'compatible' | 'strict'
  /** The default for every host that does not set it. */
  passwordLogin?: boolean
  /** The default for every device that does not set it: see a device's recoverWithin. */
  recoverWithin?: number
  /** Machines that devices can dial out to and people can reach. The name of each is the key: { "ssh-gw.guest.internal": {} }. */
  gateways?: {
    [k: string]: Gateway
  }
  /** Machines behind a firewall or NAT that cannot be reached directly. Each dials out to its gateways and offers its forwards there. */
  devices?: {
    [k: string]: Device
  }
  /** Devices that have settings in common, and that `--limit NAME` selects together. A device may be in several groups. */
  groups?: {
    [k: string]: Group
  }
  /** Machines that people log in from. provision never touches them; `provision ssh-config --client NAME` prints the ssh_config they need. */
  clients?: {
    [k: string]: Client
  }
  /** Who is told by `provision watch` when a device or gateway goes away and when it is back. Each entry is one target. */
  alerts?: Alert[]
  watch?: Watch
}
/** How the machine you run provision on logs in to the hosts. At the top of the file it is for every host; each key of a host's own login overrides it. What you leave out comes from your ~/.ssh/config, ssh agent and keys. */
export interface Login {
  /** The account to log in to. Default: what your ~/.ssh/config says, else your own user name. */
  user?: string
  /** The private key to log in with, or its .pub file where the agent holds the private key: absolute, starting with ~/, or relative to this file's folder. Default: your agent and the usual keys. */
  identityFile?: string
  /** true (the default): become root with sudo where the account is not root. false: never use sudo. */
  sudo?: boolean
  /** Which ssh logs in. "node-ssh" (the default): provision's own, which is faster. "openssh": the ssh program of this machine, for what only that program can do: certificates, FIDO keys, keys on a token, keys in an agent that are bound to hosts, servers that accept only post-quantum key exchange. See docs/guide.md. */
  transport?: 'node-ssh' | 'openssh'
}
/** A machine that devices can dial out to. {} is enough where its name resolves and its sshd listens on port 22. */
export interface Gateway {
  address?: Address
  /** The port of its sshd, as the machine you run provision on reaches it. Default: what your ~/.ssh/config says, else 22. */
  port?: number
  hostKeys?: HostKeys
  login?: Login
  accounts?: Accounts
  profile?: Profile
  passwordLogin?: PasswordLogin
  dial?: Dial
  /** The account on the gateway that tunnels log in to. provision creates it: it may listen on the ports written here and do nothing else. It must not be the account of a person. Default: tunnel. */
  tunnelAccount?: string
  /** Who opens the ports on this gateway, for every forward that does not set it: see a forward's listener. */
  listener?: 'socket' | 'sshd'
  /** The ports of this gateway that `provision add` gives to devices, from the first on, each to one device. It writes the port that it has chosen into this file; nothing else reads this range. */
  ports?: string
}
/** Accounts that this host should have: { "user001": { "authorizedKeys": ["user001.pub"] } }. Accounts that are not named here are not changed. */
export interface Accounts {
  [k: string]: Account
}
/** An account and the keys that may log in to it. */
export interface Account {
  /** Public keys that may log in: whole lines ("ssh-ed25519 AAAA… someone"), or paths to .pub files, relative to this file's folder or starting with ~/. */
  authorizedKeys?: string[]
  /** true: remove every key of this account that is not listed. false (the default): only add. */
  exclusive?: boolean
  /**
   * Where the listed keys may come from: addresses, networks, patterns with * and ?, and exceptions with ! before them, as in a key's from="…". A login through a tunnel comes from 127.0.0.1 or ::1. A key's own from= overrides this. ["*"]: from everywhere again. Default: the keys' options are left as they are.
   *
   * @minItems 1
   */
  from?: string[]
}
/** Where devices reach this gateway, where that differs from the address at which you reach it (another network, a NAT in between). */
export interface Dial {
  /** The host name or IP address that devices dial. Default: the gateway's address. */
  address?: string
  /** The port that devices dial. Default: the gateway's port. */
  port?: number
}
/** A machine that cannot be reached directly. Its forwards are the ports that it opens on its gateways. */
export interface Device {
  address?: Address
  /** The port of its sshd, as the machine you run provision on reaches it. Default: what your ~/.ssh/config says, else 22. */
  port?: number
  hostKeys?: HostKeys
  login?: Login
  accounts?: Accounts
  profile?: Profile
  passwordLogin?: PasswordLogin
  /** The ports that this device opens on its gateways, each leading to a host and port that the device can reach. */
  forwards?: Forward[]
  /**
   * Routes by which provision itself reaches the device, tried in order: "direct" (straight to its address), "forward" (through its own forwards, one gateway after the other), or the name of a gateway to jump through. Default: ["direct", "forward"].
   *
   * @minItems 1
   */
  via?: string[]
  /** A host's name: letters, digits, ".", "-" and "_". Its host key is filed under this name. */
  knownAs?: string
  /** What keeps the tunnel alive on the device: "systemd" (plain ssh under systemd, the default) or "autossh". */
  supervisor?: 'systemd' | 'autossh'
  recoverWithin?: RecoverWithin
  wifi?: Wifi
}
/** One forward, its parts by name. */
export interface ForwardObject {
  /** The name of the gateway that listens. May be left out where there is only one. */
  gateway?: string
  /** The address on the gateway that listens. Default: 127.0.0.1. "*" means all of them; anything but loopback needs "expose": true. */
  bindAddress?: string
  /** The port on the gateway that listens. In the settings of a group also text with {index} in it: "9{index}". */
  port: number | string
  /** Where the forward leads, as the device sees it: "localhost" is the device itself. IPv6 addresses without brackets. */
  host: string
  /** The port on that host. 22 is sshd. */
  hostPort: number
  /** Who opens the port on the gateway. "socket" (the default): systemd does, and the device offers a unix socket behind it, so that a dead session never holds the port, a new session takes over at once, and ports below 1024 work. "sshd": sshd does, as with a plain ssh -R; a dead session holds the port until keepalives end it. All forwards of a device on one gateway must have the same listener. */
  listener?: 'socket' | 'sshd'
  /** true: other machines than the gateway may reach this port. Required where the bind address is not loopback. */
  expose?: boolean
}
/** The Wi-Fi network that a fresh card of this device joins. Only `provision image` reads it. */
export interface Wifi {
  /** The name of the network. */
  ssid: string
  /** Where its passphrase is kept, never the passphrase itself: "env:NAME" (an environment variable), or "file:PATH" (its first line; absolute, starting with ~/, or relative to this file's folder). */
  passphrase: string
  /** The country whose radio rules apply, as a code of two letters. Without it Wi-Fi is switched on too, with the rules that hold in every country: channels that only some countries allow are not used. */
  country?: string
}
/** Some devices and what they have in common: { "devices": ["sensor{index}.site.internal"], "index": "001-300", "settings": { "forwards": ["9{index}:localhost:22"] } }. */
export interface Group {
  /**
   * Names from "devices"; and at most one with {index} in it, which stands for a device for each number of "index", whether or not that device is under the top-level "devices".
   *
   * @minItems 1
   */
  devices: string[]
  /** The numbers that {index} stands for: "001-300", or several such parts with commas between them, as in "001-016,018-300". Each number is used as it is written here, with its leading zeros. */
  index?: string
  settings?: Device
}
/** A machine that people log in from, and what its ssh_config should say. */
export interface Client {
  /** The account that people on this client log in to, on gateways and devices. Default: no User line is written. */
  user?: string
  /** The private key to log in with, as a path on the client: it starts with / or ~/. */
  identityFile?: string
  /** The port at which this client reaches the gateways' sshd, where it differs from the gateways' own port. */
  port?: number
}
/** One target, named by one of "webhook", "ntfy", "chat", "mail" and "exec". docs/watch.md shows what each is sent. */
export interface Alert {
  /** A URL that gets each message as a JSON document by POST. */
  webhook?: string
  /** Of a webhook: what its messages are signed with (HMAC-SHA256, in the header X-Provision-Signature). */
  secret?: string
  /** The URL of a topic of ntfy, such as https://ntfy.sh/TOPIC. */
  ntfy?: string
  /** Of ntfy: an access token. */
  token?: string
  /** The URL of an incoming webhook of Slack, Mattermost or Discord. */
  chat?: string
  /** The address that gets each message as a mail; several with a comma in between. */
  mail?: string
  /** Of mail: who it comes from. Default: provision@ and the name of the machine that watches. */
  from?: string
  /** Of mail: the server, as smtps://USER:PASSWORD@HOST or smtp://HOST:PORT. Default: the program sendmail of the machine that watches. */
  smtp?: string
  /**
   * A program and its arguments, run on the machine that watches; it gets each message as JSON on its standard input.
   *
   * @minItems 1
   */
  exec?: string[]
  /**
   * Only what happens to devices of these groups is sent here. Default: everything, gateways too.
   *
   * @minItems 1
   */
  groups?: string[]
  /** Between these times of the day, by the clock of the machine that watches, nothing is sent; what has happened is sent in one message when they are over. */
  quiet?: string
}
/** How `provision watch` watches. */
export interface Watch {
  /** Seconds for which a device or gateway has to be away, or back, until that counts. Default: 120. */
  after?: number
  /** Outages that ended longer ago are forgotten. Default: 13. */
  keepMonths?: number
  /** Public keys of watchers that run by themselves. Each gateway lets these keys look, and do nothing else; `provision watch --install` makes such a key and writes it here. */
  keys?: string[]
  /** A URL that is fetched each minute while the watcher is well, such as a check of healthchecks.io: where that falls silent, it is the watcher that is down. */
  heartbeat?: string
}
