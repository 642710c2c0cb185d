/** Why is it down, as values: the document that `doctor --json` prints. Never holds a secret. */
export interface DoctorReport {
  readonly version: 1
  readonly command: 'doctor'
  readonly inventory: string
  readonly seconds: number
  readonly exitCode: number
  readonly device: string
  /** How the device was reached; absent: it was not. */
  readonly via?: string
  /** One for each gateway that it dials. */
  readonly tunnels: readonly TunnelReport[]
  readonly wire: { readonly connections: number; readonly execs: number }
}

export interface TunnelReport {
  readonly gateway: string
  /** In the order in which a connection is made, up to the first broken one. */
  readonly links: readonly LinkReport[]
}

export interface LinkReport {
  readonly link: string
  /** `unseen`: nobody could look from here; `says` tells why. */
  readonly state: 'ok' | 'broken' | 'unseen'
  /** What was found, in plain words. */
  readonly says: string
  /** What mends it: a command, and where. */
  readonly mend?: string
  /** `run`: a run of provision by itself does it; `hand`: something has to be done by a person, if only first. */
  readonly mendedBy?: 'run' | 'hand'
}

/** Of each tunnel its first one, with which its examination ends. */
export const brokenLinks = (tunnels: readonly TunnelReport[]): LinkReport[] =>
  tunnels.flatMap(({ links }) => links.filter(({ state }) => state === 'broken'))

/** 3: a gateway could not be asked; 1: a broken link; 0: nothing is wrong. */
export function doctorExitCode(tunnels: readonly TunnelReport[]): number {
  const broken = brokenLinks(tunnels)
  if (broken.some(({ link }) => link === gatewayLink)) return 3
  return broken.length > 0 ? 1 : 0
}

/** The link that stands for our own login to the gateway. */
export const gatewayLink = 'gateway'
