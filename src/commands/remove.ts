import type { CommandModule } from 'yargs'
import { forgetCard } from '../enrolment/expected-cards.ts'
import { type Device, type Inventory, nameOnGateways } from '../inventory/model.ts'
import type { Report } from '../report/report.ts'
import type { Done } from './shared/conduct.ts'
import { named } from './shared/named.ts'
import { type RunArguments, runOptions, yesOption } from './shared/options.ts'

type Arguments = RunArguments & { device: string; yes: boolean }

export const removeCommand: CommandModule<unknown, Arguments> = {
  command: 'remove <inventory>',
  describe:
    'Remove a device: its session, key, ports, units and files, its pinned host keys, and its lines in the inventory',
  builder: (argv) =>
    yesOption(runOptions(argv))
      .option('device', {
        type: 'string',
        describe: 'The device to remove; it need not be reachable',
        demandOption: true,
      })
      .example('provision remove pi1', 'on both ends, each step proved')
      .epilogue('docs/guide.md') as never,
  async handler(argv) {
    const [{ run }, { readInventory }] = await Promise.all([
      import('./shared/run.ts'),
      import('../inventory/read/inventory.ts'),
    ])
    const device = named(argv.device, (await readInventory(argv.inventory)).devices)
    const gateways = new Set(device.forwards.map(({ gateway }) => gateway))
    await run('apply', argv, {
      asks: !argv.yes,
      wish: (inventory) => without(inventory, device),
      limit: [device.name, ...gateways],
      after: (done) => finish(device, [...gateways], done),
    })
  },
}

function without(inventory: Inventory, { name }: Device): Inventory {
  return {
    ...inventory,
    devices: inventory.devices.filter((device) => device.name !== name),
    leaving: inventory.devices.filter((device) => device.name === name),
  }
}

/**
 * Only when every gateway has proved that it no longer knows the device: until then the inventory is needed to try
 * again.
 */
async function finish(device: Device, gateways: readonly string[], { report, inventory, pins, note }: Done) {
  const open = gateways.filter((gateway) => !hasForgotten(report, gateway))
  if (open.length > 0) {
    note(`${device.name} stays in ${inventory.file}, since ${open.join(', ')} may still know the device: run again`)
    process.exitCode ||= 1
    return
  }
  await pins.keep(device, [])
  await forgetCard(pins, nameOnGateways(device))
  note(`${device.name}: its pinned host keys were removed from ${pins.file}`)
  const [{ withoutDevice }, { rewrite }] = await Promise.all([
    import('../inventory/edit/remove.ts'),
    import('../files/atomic.ts'),
  ])
  await rewrite(inventory.file, (text) => withoutDevice(text, device.name))
  note(`${device.name}: its lines were removed from ${inventory.file}`)
  const itself = report.hosts.find(({ name }) => name === device.name)
  if (itself?.outcome === 'unreachable') {
    note(
      `${device.name} itself was not reached: it still has its key, which every gateway now refuses, and its unit, which keeps dialling. ` +
        'Once you can log in to it, run: cd /etc/systemd/system; for unit in $(grep -l "^# provision " reverse-tunnel-*); do systemctl disable ' +
        '--now "$unit"; rm "$unit"; done; rm -r /etc/reverse-tunnel; userdel reverse-tunnel',
    )
  }
}

function hasForgotten({ hosts, proofs = [] }: Report, gateway: string): boolean {
  const tried = proofs.filter(({ host }) => host === gateway)
  const outcome = hosts.find(({ name }) => name === gateway)?.outcome
  const asked = tried.every(({ state, kind }) => state === 'holds' || (state === 'untried' && kind === 'key'))
  return (outcome === 'ok' || outcome === 'changed') && tried.length > 0 && asked
}
