import type { CardSecrets } from '../../enrolment/new-card.ts'
import { type Device, type Gateway, nameOnGateways } from '../../inventory/model.ts'
import { type Mark, marked, printMark } from '../../resources/mark.ts'
import { known, type Seen } from '../../resources/resource.ts'
import { accountOn, dials, forwardsOn } from '../../tunnel/accounts.ts'
import { credentialsSince, tunnelUnits } from '../../tunnel/device-units.ts'
import {
  checkProgram,
  enrolAccount,
  firstBoot as firstBootPath,
  knownHosts,
  tunnelUnitName,
} from '../../tunnel/names.ts'
import { timingOf } from '../../tunnel/timing.ts'
import checkText from '../../tunnel/watchdog.sh'
import firstBootText from './first-boot.sh'
import type { Seed, SeedFile } from './seed.ts'

/** What the program brings to its end; it removes this folder and itself when every gateway has said yes. */
const folder = '/etc/reverse-tunnel/enrolment'

export const firstBootProgram: Seed['program'] = { path: firstBootPath, content: firstBootText }

export interface CardWish {
  readonly device: Device
  readonly gateways: readonly Gateway[]
  /** What everything that is made for the device carries. */
  readonly mark: Mark
  /** Whole public keys, as pinned: `ssh-ed25519 AAAA…`. */
  readonly hostKeysOf: (gateway: Gateway) => readonly string[]
  readonly secrets: CardSecrets
  /** Private host keys that the device is to have, by file name (`ssh_host_ed25519_key`). Absent: it makes its own. */
  readonly hostKeys?: ReadonlyMap<string, string> | undefined
}

/** Everything that `first-boot.sh` needs on the card, and that the playbook would put there anyway. */
export function firstBootFiles({ device, gateways, mark, hostKeysOf, secrets, hostKeys }: CardWish): SeedFile[] {
  const mine = gateways.filter((gateway) => dials(device, gateway))
  const trusted = mine.flatMap((gateway) => hostKeysOf(gateway).map((key) => `${gateway.name} ${key}\n`))
  return [
    open(knownHosts, trusted.join('')),
    open(checkProgram, marked({ inventory: mark.inventory }, checkText)),
    ...mine.flatMap((gateway) => [
      open(`${folder}/gateways/${gateway.name}`, reachOf(gateway)),
      ...unitsOf(mark, device, gateway, credentialsSince).map(({ name, content }) =>
        open(`${folder}/units/${name}`, content),
      ),
      ...unitsOf(mark, device, gateway, credentialsSince - 1).map(({ name, content }) =>
        open(`${folder}/units-without-credentials/${name}`, content),
      ),
    ]),
    ...[...(hostKeys ?? [])].map(([name, text]) => secret(`${folder}/host-keys/${name}`, text)),
    open(`${folder}/mark`, `${printMark(mark)}\n`),
    secret(`${folder}/request`, `name ${nameOnGateways(device)}\ntoken ${secrets.token}\n`),
    secret(`${folder}/key`, secrets.privateKey),
  ]
}

const reachOf = (gateway: Gateway) =>
  `${[gateway.dial.address, gateway.dial.port, enrolAccount(gateway), tunnelUnitName(gateway).replace(/\.service$/, '')].join(' ')}\n`

/**
 * As the playbook makes them for a device with this systemd. Nothing is fetched at a first boot, so autossh comes
 * later.
 */
function unitsOf(mark: Mark, wanted: Device, gateway: Gateway, systemd: number) {
  const device: Device = { ...wanted, supervisor: 'systemd' }
  const seen: Seen = {
    of: (_, id) => (id === 'versions' ? `openssh 9.5\nsystemd ${systemd}\n` : undefined),
    gone: () => false,
    failed: () => false,
  }
  const forwards = forwardsOn(gateway, device)
  const timing = timingOf(device, gateway)
  return tunnelUnits({ device, gateway, forwards, mark, account: accountOn(gateway, device), timing }).map((unit) => ({
    name: unit.name,
    content: known(unit.content, seen) ?? '',
  }))
}

const open = (path: string, content: string): SeedFile => ({ path, mode: '644', content, secret: false })
const secret = (path: string, content: string): SeedFile => ({ path, mode: '600', content, secret: true })
