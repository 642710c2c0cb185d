import type { CommandModule } from 'yargs'
import { InventoryError } from '../errors.ts'
import type { Inventory } from '../inventory/model.ts'
import { type PlanArguments, planOptions, yesOption } from './shared/options.ts'

interface Arguments extends PlanArguments {
  readonly check: boolean
  readonly yes: boolean
  readonly out: string | undefined
  readonly stepAside: readonly string[] | undefined
}

export const applyCommand: CommandModule<unknown, Arguments> = {
  command: 'apply <inventory>',
  describe: 'Show the plan, apply it, and prove every forward',
  builder: (argv) =>
    yesOption(planOptions(argv))
      .option('check', {
        alias: ['n', 'dry-run'],
        type: 'boolean',
        default: false,
        describe: 'Show what would change; change nothing: the same as `provision plan`',
      })
      .option('out', {
        type: 'string',
        implies: 'check',
        conflicts: ['shard', 'resume'],
        describe: 'With --check: write the plan to this file, for `provision apply FILE`',
      })
      .option('step-aside', {
        type: 'string',
        array: true,
        nargs: 1,
        // Not of `check`, which is never absent: it has a default.
        conflicts: ['shard', 'resume'],
        describe:
          'Move this device in two steps, through a temporary port, where its old and new forward cannot be open together; repeatable',
      })
      .example('provision apply', 'inventory.json here')
      .example('provision apply --limit pi1', 'one device only')
      .example('provision apply plan.json', 'a plan that `provision plan --out plan.json` has written')
      .epilogue('docs/guide.md') as never,
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
