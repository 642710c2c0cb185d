import { expectCard } from '../../enrolment/expected-cards.ts'
import { newEnrolment } from '../../enrolment/new-card.ts'
import { InventoryError } from '../../errors.ts'
import { firstBootFiles, firstBootProgram } from '../../image/seed/first-boot-files.ts'
import { keptIdentity } from '../../image/seed/kept-identity.ts'
import { peopleOf } from '../../image/seed/people.ts'
import type { Seed } from '../../image/seed/seed.ts'
import { type Gateway, nameOnGateways } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { keptPath, readKeptFile } from '../../run/kept-file.ts'
import { hostKeyText, type Pins } from '../../ssh/host-keys/pins.ts'
import { askSsh } from '../../ssh/user-config/query.ts'
import { userConfig } from '../../ssh/user-config/user-config.ts'
import { markFor } from '../../tunnel/marks.ts'
import { named } from './named.ts'
import type { RunArguments } from './options.ts'
import { pinsOf } from './pins-of.ts'

export interface WantedCard {
  readonly device: string
  /** For how long the card may be used, from now on. */
  readonly hours: number
  /**
   * Files of the device from a backup, which the card then carries: private host keys, and host certificates of those.
   * Absent: the device makes its own.
   */
  readonly keepIdentity?: readonly string[] | undefined
}

/**
 * Makes a card's one-time key, has the gateways of the device told of it by a run like any other (its report is
 * printed, the exit code set), and gives what is to be written on the card. Undefined: the gateways were not told, so
 * write nothing.
 * @throws InventoryError before anything is contacted
 */
export async function prepareEnrolment(argv: RunArguments, wanted: WantedCard): Promise<Seed | undefined> {
  const inventory = await readInventory(argv.inventory)
  const device = named(wanted.device, inventory.devices)
  const gateways = inventory.gateways.filter(({ name }) => device.forwards.some(({ gateway }) => gateway === name))
  if (gateways.length === 0)
    throw new InventoryError(`${device.name} has no forward, so there is no gateway to enrol it at`)
  if (!(wanted.hours > 0 && wanted.hours <= 24 * 90)) {
    throw new InventoryError('a card may be used for at most 90 days', 'write a shorter time after --valid-hours')
  }
  const pins = pinsOf(inventory)
  const config = await userConfig(device.name, askSsh({ env: process.env }), process.env)
  const people = await peopleOf(device, config)
  const { spareHostKeys } = await readKeptFile(keptPath(inventory))
  const spareOf = ({ name }: Gateway) => (spareHostKeys[name]?.keys ?? []).slice(-1).map(({ key }) => key)
  const trusted = new Map(
    await Promise.all(
      gateways.map(async (gateway) => [gateway.name, [...(await whole(pins, gateway)), ...spareOf(gateway)]] as const),
    ),
  )
  const { hostKeys, files } = await keptIdentity(device, wanted.keepIdentity ?? [], new Date())

  const { secrets, enrolment } = newEnrolment(nameOnGateways(device), { now: new Date(), hours: wanted.hours })
  const { run } = await import('./run.ts')
  let told = false
  // The run may have given the inventory its identity.
  let mark = markFor(inventory)
  await run('apply', argv, {
    wish: (written) => ({ ...written, enrol: [enrolment] }),
    limit: gateways.map(({ name }) => name),
    after: async ({ report, inventory: written }) => {
      mark = markFor(written)
      told = report.hosts.every(({ outcome }) => outcome === 'ok' || outcome === 'changed')
    },
  })
  if (!told) return undefined
  await expectCard(pins, enrolment)
  return {
    device: device.name,
    mark,
    accounts: people(mark),
    files: [
      ...firstBootFiles({
        ...{ device, gateways, secrets, hostKeys },
        mark: { ...mark, device: nameOnGateways(device) },
        hostKeysOf: ({ name }) => trusted.get(name) ?? [],
      }),
      ...files,
    ],
    program: firstBootProgram,
  }
}

/** The device must know its gateway from its first dial on, and a fingerprint is not enough for that. */
async function whole(pins: Pins, gateway: Gateway): Promise<readonly string[]> {
  const { keys, from } = await pins.for(gateway)
  if (keys.length > 0) return keys.map(hostKeyText)
  const hint =
    from === 'inventory'
      ? `add a full public key (ssh-ed25519 AAAA…) to its "hostKeys", beside the fingerprint`
      : 'pin one first: provision trust INVENTORY'
  throw new InventoryError(`${gateway.name}: no full host key of this gateway is pinned, and a card needs one`, hint)
}
