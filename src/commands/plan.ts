import type { CommandModule } from 'yargs'
import { applyCommand } from './apply.ts'
import { type PlanArguments, planOptions } from './shared/options.ts'

type Arguments = PlanArguments & { readonly out: string | undefined }

export const planCommand: CommandModule<unknown, Arguments> = {
  command: 'plan <inventory>',
  describe: 'Show what an apply would change; change nothing',
  builder: (argv) =>
    planOptions(argv)
      .option('out', {
        type: 'string',
        conflicts: ['shard', 'resume'],
        describe: 'Write the plan to this file, for `provision apply FILE`',
      })
      .example('provision plan', 'inventory.json here')
      .example('provision plan --limit pi1', 'one device only')
      .example('provision plan --diff', 'every change with its diff')
      .example('provision plan --out plan.json', 'a plan for others to look at; `provision apply plan.json` applies it')
      .epilogue('docs/guide.md#a-plan-that-others-look-at') as never,
  handler: (argv) => applyCommand.handler({ ...argv, check: true, yes: true, stepAside: undefined }),
}
