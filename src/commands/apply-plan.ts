import type { CommandModule } from 'yargs'
import { type WorkArguments, workOptions } from './shared/options.ts'

type Arguments = WorkArguments & { plan: string }

export const applyPlanCommand: CommandModule<unknown, Arguments> = {
  command: 'apply <plan>',
  describe: 'Apply a plan written by --check --out; refuse it for a host that has changed since',
  builder: (argv) =>
    workOptions(
      argv.positional('plan', { type: 'string', describe: 'The plan, a JSON file', demandOption: true }),
    ) as never,
  async handler({ plan: file, ...argv }) {
    const [{ run }, { mustBeOf, readPlan }] = await Promise.all([
      import('./shared/run.ts'),
      import('../run/plan/plan-file.ts'),
    ])
    const plan = await readPlan(file)
    await run(
      'apply',
      { ...argv, inventory: plan.inventory, limit: [...plan.limit], playbook: plan.playbook },
      {
        next: {},
        wish: (inventory) => ({ ...inventory, ...plan.wishes }),
        planned: { hosts: plan.hosts, id: plan.id, mustBeOf: (sources) => mustBeOf(plan, file, sources) },
      },
    )
  },
}
