import type { Argv, CommandModule } from 'yargs'
import { inventoryArgument, type LoginArguments, loginOptions } from './shared/options.ts'

interface Arguments extends Pick<LoginArguments, 'timeout' | 'askSudoPassword' | 'transport'> {
  inventory: string
  device: string
  json: boolean
  debug: boolean
}

export const doctorCommand: CommandModule<unknown, Arguments> = {
  command: 'doctor <inventory>',
  describe:
    'Explain why a device is down: check each link from the device to its forward, and say how to fix the first broken one',
  builder: (argv: Argv) =>
    loginOptions(
      inventoryArgument(argv)
        .option('device', { type: 'string', describe: 'The device; it need not be reachable', demandOption: true })
        .option('json', { type: 'boolean', default: false, describe: 'Print the diagnosis as one JSON document' })
        .option('debug', {
          type: 'boolean',
          default: false,
          describe: 'Print what both sides are asked, and what they answer',
        }),
    )
      .example('provision doctor pi1', 'from the device to its gateway, link by link')
      .epilogue('docs/doctor.md') as never,
  async handler(argv) {
    const [{ readInventory }, { connected }, { named }, { checkPlans, withRefusedPlans }] = await Promise.all([
      import('../inventory/read/inventory.ts'),
      import('./shared/context.ts'),
      import('./shared/named.ts'),
      import('./shared/refused-plans.ts'),
    ])
    const [{ examine }, { tunnelPartsOf }, { printDiagnosis }, { clean, printJson }, { InventoryError }] =
      await Promise.all([
        import('../doctor/examine.ts'),
        import('../doctor/tunnel.ts'),
        import('../report/doctor/text.ts'),
        import('../report/inert.ts'),
        import('../errors.ts'),
      ])
    const inventory = await readInventory(argv.inventory)
    const device = named(argv.device, inventory.devices)
    const tunnels = tunnelPartsOf(device, inventory.gateways)
    if (tunnels.length === 0) throw new InventoryError(`${device.name} has no forwards: there is no tunnel to look at`)
    const debug = (title: string, text: string) => {
      if (argv.debug) process.stderr.write(`--- ${title}\n${clean(text)}\n`)
    }
    const report = await connected(inventory, argv, async (context) => {
      const how = { inventory: inventory.file, device, tunnels, context, debug }
      const diagnosis = await examine({ ...how, now: () => performance.now() })
      // A device that was not reached would only be waited for once more.
      const names = [...(diagnosis.via ? [device.name] : []), ...tunnels.map(({ gateway }) => gateway.name)]
      return withRefusedPlans(diagnosis, () => checkPlans(inventory, names, context))
    })
    const color = process.stdout.hasColors?.() ?? false
    process.stdout.write(argv.json ? printJson(report) : printDiagnosis(report, { color }))
    process.exitCode = report.exitCode
  },
}
