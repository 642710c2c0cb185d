import type { CommandModule } from 'yargs'
import type { Inventory } from '../inventory/model.ts'
import { named } from './shared/named.ts'
import { type RunArguments, runOptions, yesOption } from './shared/options.ts'

type Arguments = RunArguments & { hostKey?: string; spareHostKey?: string; device?: readonly string[]; yes: boolean }

export const rotateCommand: CommandModule<unknown, Arguments> = {
  command: 'rotate <inventory>',
  describe:
    'Replace the tunnel keys of all devices or of some, or the host keys of a gateway; a later run goes on with what was away',
  builder: (argv) =>
    yesOption(runOptions(argv))
      .option('device', {
        type: 'string',
        array: true,
        nargs: 1,
        conflicts: 'host-key',
        describe: 'Only the key of this device; repeatable',
      })
      .option('host-key', { type: 'string', describe: 'Replace the host keys of this gateway instead' })
      .option('spare-host-key', {
        type: 'string',
        conflicts: ['host-key', 'device'],
        describe: 'Replace the spare host key of this gateway instead, which can bring it back after a reinstallation',
      })
      .example('provision rotate', 'new tunnel keys for all devices')
      .example('provision rotate pi1', 'for one device')
      .example('provision rotate --host-key vps', 'new host keys of a gateway')
      .epilogue('docs/guide.md#keys-over-time') as never,
  async handler(argv) {
    const { run } = await import('./shared/run.ts')
    await run('apply', argv, { asks: !argv.yes, next: {}, wish: (inventory) => wished(inventory, argv) })
  },
}

function wished(inventory: Inventory, { hostKey, spareHostKey, device }: Arguments): Inventory {
  const { gateways, devices } = inventory
  if (hostKey !== undefined) return { ...inventory, rotate: { hostKeys: named(hostKey, gateways).name } }
  if (spareHostKey !== undefined) return { ...inventory, rotate: { spareHostKey: named(spareHostKey, gateways).name } }
  const some = device?.map((name) => named(name, devices)) ?? devices
  return { ...inventory, rotate: { devices: some.map(({ name }) => name) } }
}
