import type { Argv, CommandModule } from 'yargs'
import type { Device, Gateway } from '../inventory/model.ts'
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
    const [
      { examine },
      { tunnelPartsOf },
      { printDiagnosis },
      { clean, printJson },
      { asProvisionError, InventoryError },
      { reach },
    ] = await Promise.all([
      import('../doctor/examine.ts'),
      import('../doctor/tunnel.ts'),
      import('../report/doctor/text.ts'),
      import('../report/inert.ts'),
      import('../errors.ts'),
      import('../ssh/reach/reach.ts'),
    ])
    const inventory = await readInventory(argv.inventory)
    const device = named(argv.device, inventory.devices)
    const tunnels = tunnelPartsOf(device, inventory.gateways)
    if (tunnels.length === 0) throw new InventoryError(`${device.name} has no forwards: there is no tunnel to look at`)
    const debug = (title: string, text: string) => {
      if (argv.debug) process.stderr.write(`--- ${title}\n${clean(text)}\n`)
    }
    const report = await connected(inventory, argv, async (context) => {
      // A login may take its time: the check goes through those of the examination.
      const logins = new Map<string, ReturnType<typeof reach>>()
      const logIn: typeof reach = (host, ...how) => logins.get(host.name) ?? reach(host, ...how)
      const session = (host: Device | Gateway) => {
        const login = logIn(host, context)
        logins.set(host.name, login)
        return login.catch(asProvisionError)
      }
      const how = { inventory: inventory.file, device, tunnels, context, session, debug }
      const diagnosis = await examine({ ...how, now: () => performance.now() })
      // A device that was not reached would only be waited for once more.
      const names = [...(diagnosis.via ? [device.name] : []), ...tunnels.map(({ gateway }) => gateway.name)]
      return withRefusedPlans(diagnosis, () => checkPlans(inventory, names, { context, reach: logIn }))
    })
    const color = process.stdout.hasColors?.() ?? false
    process.stdout.write(argv.json ? printJson(report) : printDiagnosis(report, { color }))
    process.exitCode = report.exitCode
  },
}
