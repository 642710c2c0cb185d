import type { CommandModule } from 'yargs'
import type { Drilled, FaultName } from '../drill/faults.ts'
import { InventoryError } from '../errors.ts'
import { isOwnSshd } from '../inventory/forward.ts'
import type { Device, Inventory } from '../inventory/model.ts'
import { named } from './shared/named.ts'
import { type HostArguments, hostOptions } from './shared/options.ts'

type Arguments = HostArguments & {
  device: string
  gateway?: string
  only?: string
  networkSeconds: number
  yes: boolean
}

export const drillCommand: CommandModule<unknown, Arguments> = {
  command: 'drill <inventory>',
  describe: 'Break the tunnel of a device on purpose, and compare its recovery with what the plan promises',
  builder: (argv) =>
    hostOptions(argv)
      .option('device', { type: 'string', describe: 'The device', demandOption: true })
      .option('gateway', { type: 'string', describe: 'The tunnel to this gateway; default: to its first gateway' })
      .option('only', {
        type: 'string',
        describe: 'Only these faults, separated by commas: kill, freeze, network, sshd, port',
      })
      .option('network-seconds', {
        type: 'number',
        default: 60,
        describe: 'Seconds that the device is without network',
      })
      .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'Do not ask for confirmation' })
      .example('provision drill pi1', 'each fault, and how soon the tunnel is back')
      .example('provision drill pi1 --only kill,network', 'two of the faults')
      .epilogue('docs/reliability.md#drill') as never,
  async handler(argv) {
    const [{ drilled: run }, { readInventory }, { faultNames, faultsOf }, { askYes }] = await Promise.all([
      import('./shared/run.ts'),
      import('../inventory/read/inventory.ts'),
      import('../drill/faults.ts'),
      import('./shared/ask.ts'),
    ])
    const inventory = await readInventory(argv.inventory)
    const names = chosen(argv.only, faultNames)
    const drilled = await drilledOf(argv, inventory)
    const going = faultsOf(drilled, names).map(({ announced }) => `  ${announced}`)
    if (!argv.yes) {
      const question = `This drill\n${going.join('\n')}\nand each time waits until the tunnel is back. Go on? (yes/no) `
      if (!process.stdin.isTTY)
        throw new InventoryError(
          'a drill breaks the tunnel on purpose, and needs confirmation',
          `this drill\n${going.join('\n')}\nto go ahead, add --yes`,
        )
      if (!(await askYes(question))) {
        process.stderr.write('nothing was touched\n')
        process.exitCode = 1
        return
      }
    }
    await run({ ...argv, limit: undefined }, inventory, { drilled, names })
  },
}

/** @throws InventoryError for what is no fault */
function chosen(only: string | undefined, all: readonly FaultName[]): readonly FaultName[] {
  if (only === undefined) return all
  const words = only.split(',')
  const wrong = words.find((word) => !all.some((name) => name === word))
  if (wrong !== undefined)
    throw new InventoryError(`--only ${wrong}: no such fault`, `the faults are: ${all.join(', ')}`)
  return all.filter((name) => words.includes(name))
}

/** @throws InventoryError */
async function drilledOf(argv: Arguments, inventory: Inventory): Promise<Drilled> {
  const { carriersOf, dials } = await import('../tunnel/accounts.ts')
  const { networkSeconds } = argv
  if (!Number.isInteger(networkSeconds) || networkSeconds < 1 || networkSeconds > 600)
    throw new InventoryError('--network-seconds takes whole seconds, from 1 to 600')
  const device = named(argv.device, inventory.devices)
  const forward = forwardOf(device, argv.gateway)
  const gateway = named(forward.gateway, inventory.gateways)
  const unitsOn = (host: string) =>
    carriersOf(inventory)(forward).flatMap((carrier) => (carrier.host === host ? carrier.units : []))
  const others = inventory.devices.filter((other) => other !== device && dials(other, gateway))
  return {
    ...{ device, gateway, forward, networkSeconds, portSeconds: 10 },
    unit: unitsOn(device.name)[0] ?? '',
    listenerUnits: forward.listener === 'socket' ? unitsOn(gateway.name) : [],
    others: others.map(({ name }) => name),
  }
}

/** @throws InventoryError without a forward through which the device could answer */
function forwardOf(device: Device, gateway: string | undefined) {
  const own = device.forwards.filter((forward) => isOwnSshd(device, forward))
  const found = own.find((forward) => gateway === undefined || forward.gateway === gateway)
  if (found) return found
  const there = [...new Set(own.map((forward) => forward.gateway))].join(', ')
  throw new InventoryError(
    `${device.name} has no forward to its own sshd${gateway === undefined ? '' : ` on ${gateway}`}: the drill could not see when the tunnel is back`,
    there ? `it has one on ${there}` : 'add a forward to its port 22',
  )
}
