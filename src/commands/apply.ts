import type { CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import { type PartArguments, partOptions } from './shared/options.ts'

interface Arguments extends PartArguments {
  readonly check: boolean
  readonly out: string | undefined
  readonly prune: boolean
  readonly adopt: readonly string[] | undefined
  readonly stepAside: readonly string[] | undefined
}

export const applyCommand: CommandModule<unknown, Arguments> = {
  command: '$0 <inventory>',
  describe: 'Look, plan, show, change, and prove every forward',
  builder: (argv) =>
    partOptions(argv)
      .option('check', {
        type: 'boolean',
        default: false,
        describe: 'Look, plan and show the difference; touch nothing',
      })
      .option('out', {
        type: 'string',
        implies: 'check',
        conflicts: ['shard', 'resume'],
        describe: 'With --check: write the plan to this file, for `provision apply FILE`',
      })
      .option('prune', {
        type: 'boolean',
        default: false,
        describe: 'Also remove what this inventory once made on its gateways and does not name any more',
      })
      .option('adopt', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Take over this account, unit or ADDRESS:PORT, which somebody made by hand; repeatable',
      })
      .option('step-aside', {
        type: 'string',
        array: true,
        nargs: 1,
        // Not of `check`, which is never absent: it has a default.
        conflicts: ['shard', 'resume'],
        describe:
          'Move this device in two steps, by way of another port, where its new door cannot stand beside the old one; repeatable',
      }) as never,
  async handler(argv) {
    const [{ run }, { canWrite }] = await Promise.all([import('./shared/run.ts'), import('./shared/outputs.ts')])
    const { out, prune, adopt, stepAside } = argv
    if (stepAside && argv.check)
      throw new InventoryError(
        '--step-aside does two runs, and --check none',
        'leave --step-aside out to see what is wanted',
      )
    if (out !== undefined) await canWrite('--out', out)
    const wishes = { ...(prune && { prune }), ...(adopt && { adopt }) }
    await run(argv.check ? 'check' : 'apply', argv, {
      wish: (inventory: Inventory) => ({ ...inventory, ...wishes }),
      ...(stepAside && { stepAside }),
      ...(out !== undefined && {
        after: async ({ report, inventory }) => {
          const { writePlan } = await import('../run/plan/plan-file.ts')
          await writePlan(out, { inventory, playbook: argv.playbook, limit: argv.limit ?? [] }, report, new Date())
        },
      }),
    })
  },
}
