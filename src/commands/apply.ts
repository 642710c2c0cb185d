import type { CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import { type PartArguments, partOptions, yesOption } from './shared/options.ts'

interface Arguments extends PartArguments {
  readonly check: boolean
  readonly diff: boolean
  readonly yes: boolean
  readonly out: string | undefined
  readonly prune: boolean
  readonly adopt: readonly string[] | undefined
  readonly stepAside: readonly string[] | undefined
}

export const applyCommand: CommandModule<unknown, Arguments> = {
  command: '$0 <inventory>',
  describe: 'Show the plan, apply it, and prove every forward',
  builder: (argv) =>
    yesOption(partOptions(argv))
      .option('check', {
        type: 'boolean',
        default: false,
        describe: 'Show what would change; change nothing',
      })
      .option('diff', { type: 'boolean', default: false, describe: 'Show every change with its diff' })
      .option('out', {
        type: 'string',
        implies: 'check',
        conflicts: ['shard', 'resume'],
        describe: 'With --check: write the plan to this file, for `provision apply FILE`',
      })
      .option('prune', {
        type: 'boolean',
        default: false,
        describe: 'Also remove what this inventory made on its gateways and no longer names',
      })
      .option('adopt', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Take over this account, unit or ADDRESS:PORT that was made by hand; repeatable',
      })
      .option('step-aside', {
        type: 'string',
        array: true,
        nargs: 1,
        // Not of `check`, which is never absent: it has a default.
        conflicts: ['shard', 'resume'],
        describe:
          'Move this device in two steps, through a temporary port, where its old and new forward cannot be open together; repeatable',
      }) as never,
  async handler(argv) {
    const [{ run }, { canWrite }] = await Promise.all([import('./shared/run.ts'), import('./shared/outputs.ts')])
    const { out, prune, adopt, stepAside } = argv
    if (stepAside && argv.check)
      throw new InventoryError(
        '--step-aside and --check cannot be used together',
        'leave out --step-aside to see what would change',
      )
    if (out !== undefined) await canWrite('--out', out)
    const wishes = { ...(prune && { prune }), ...(adopt && { adopt }) }
    const words = { ...argv, verbose: argv.verbose || argv.diff }
    await run(argv.check ? 'check' : 'apply', words, {
      asks: !argv.yes,
      next: { planFile: out },
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
