import type { Device, Forward, Gateway, Inventory } from '../inventory/model.ts'
import type { LeastPrivilege, Proof, Resource, Seen, Trial } from '../resources/resource.ts'
import type { Carrier, Recovery } from '../tunnel/recovery.ts'

/** A recipe: from the inventory to what its hosts should have, in order. Pure: it contacts nobody. */
export type Playbook = (inventory: Inventory) => readonly Step[]

/** The hosts of a step are changed side by side; the next step begins when all of them have come to an end. */
export type Step = ApplyStep | ProveStep | VerifyStep

export interface ApplyStep {
  readonly kind: 'apply'
  readonly hosts: ReadonlyMap<string, readonly Resource[]>
  /** By host: what is tried when it has changed, before that is kept. */
  readonly trials?: ReadonlyMap<string, Trial>
}

/**
 * These forwards must answer, as their devices, after what was changed before: then what they replace may be closed.
 */
export interface ProveStep {
  readonly kind: 'prove'
  readonly forwards: (seen: Seen) => readonly Forward[]
}

export interface VerifyStep {
  readonly kind: 'verify'
  readonly forwards: readonly Forward[]
  /** How soon each is back after a fault, by the settings it has then; undefined: cannot be told. */
  readonly recovery: (forward: Forward, seen: Seen) => Recovery | undefined
  /** What holds each of them open: while one of these units is down, so is the forward. */
  readonly carriers: (forward: Forward) => readonly Carrier[]
  /** What a later run needs when a host cannot be asked any more, from what hosts have shown in the end. */
  readonly keeps?: (seen: Seen) => ObservedKeys
  /** What was begun and is not done, from what hosts have shown in the end; a later run goes on with it. */
  readonly pending?: (seen: Seen) => readonly string[]
  /** Who else has something on these hosts, and is left alone. */
  readonly others?: (seen: Seen) => readonly string[]
  /** What is tried on each of these hosts when all is done. */
  readonly proofs?: ReadonlyMap<string, readonly Proof[]>
  /** What keys of each of these hosts must not be able to do: tried by a run that is asked to. */
  readonly privileges?: ReadonlyMap<string, readonly LeastPrivilege[]>
}

/** Keys as hosts have shown them in one run. Devices stand under the names by which gateways know them. */
export interface ObservedKeys {
  /** By gateway: every device that has a tunnel to it, seen or not. */
  readonly devices: Readonly<Record<string, readonly string[]>>
  /** Of devices that were seen: the public keys of their tunnels. */
  readonly tunnelKeys: Readonly<Record<string, readonly string[]>>
  /** By gateway, of devices that were seen: the host keys that they trust of it. */
  readonly trusted: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** Names a recipe, and gives it its types. Steps may be nested, so that a recipe can contain another. */
export function playbook(recipe: (inventory: Inventory) => readonly (Step | readonly Step[])[]): Playbook {
  return (inventory) => recipe(inventory).flat()
}

/** Each of these hosts should have what `resources` says for it. */
export function on<H extends Gateway | Device>(
  hosts: readonly H[],
  resources: (host: H) => readonly Resource[],
): ApplyStep {
  return { kind: 'apply', hosts: new Map(hosts.map((host) => [host.name, withFacts(resources(host))])) }
}

/** The same, and what another host tries on each of them before its change is kept. */
export function onTrial<H extends Gateway | Device>(
  hosts: readonly H[],
  resources: (host: H) => readonly Resource[],
  trial: (host: H) => Trial,
): ApplyStep {
  return { ...on(hosts, resources), trials: new Map(hosts.map((host) => [host.name, trial(host)])) }
}

/** Each fact once, before those that ask for it. */
function withFacts(resources: readonly Resource[]): readonly Resource[] {
  const ids = new Set(resources.map(({ id }) => id))
  const facts = new Map(resources.flatMap(({ facts = [] }) => facts.map((fact) => [fact.id, fact] as const)))
  return [...new Set([...[...facts.values()].filter(({ id }) => !ids.has(id)), ...resources])]
}

/** … and what is known of them beside. */
export interface VerifyOptions extends Partial<Pick<VerifyStep, 'recovery' | 'carriers'>> {
  /** What a device's keys must not be able to do. */
  readonly privileges?: (device: Device) => readonly LeastPrivilege[]
}

/** Each of these devices must answer, as itself, through these forwards. */
export function verify(
  devices: readonly Device[],
  forwards: (device: Device) => readonly Forward[],
  { recovery, carriers, privileges }: VerifyOptions = {},
): VerifyStep {
  return {
    ...nothingVerified,
    ...(privileges && { privileges: new Map(devices.map((device) => [device.name, privileges(device)])) }),
    forwards: devices.flatMap((device) => forwards(device)),
    ...(recovery && { recovery }),
    ...(carriers && { carriers }),
  }
}

const nothingVerified: VerifyStep = { kind: 'verify', forwards: [], recovery: () => undefined, carriers: () => [] }

/** What is left for a later run, reported at the end of this one; and what is kept for it beside the inventory. */
export function tell(pending: (seen: Seen) => readonly string[], about: Pick<VerifyStep, 'keeps'> = {}): VerifyStep {
  return { ...nothingVerified, pending, ...about }
}

/** Before the next step begins, these forwards must answer as their devices. */
export function proveFirst(forwards: ProveStep['forwards']): ProveStep {
  return { kind: 'prove', forwards }
}

/** Devices that these hosts know and the inventory does not: reported, and left alone. */
export function tellOthers(others: (seen: Seen) => readonly string[]): VerifyStep {
  return { ...nothingVerified, others }
}

/** Each of these hosts is tried at the end of a run that changes. */
export function prove<H extends Gateway | Device>(
  hosts: readonly H[],
  proofs: (host: H) => readonly Proof[],
): VerifyStep {
  const all = new Map(hosts.map((host) => [host.name, proofs(host)]))
  return { ...nothingVerified, proofs: all }
}
