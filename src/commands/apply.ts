import type { CommandModule } from 'yargs'
import { type PartArguments, partOptions } from './options.ts'

export const apply: CommandModule<unknown, PartArguments & { check: boolean; out: string | undefined }> = {
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
      }) as never,
  async handler(argv) {
    const [{ run }, { canWrite }] = await Promise.all([import('./run.ts'), import('./outputs.ts')])
    const { out } = argv
    if (out !== undefined) await canWrite('--out', out)
    await run(argv.check ? 'check' : 'apply', argv, {
      ...(out !== undefined && {
        after: async ({ report, inventory }) => {
          const { writePlan } = await import('../plan-file.ts')
          await writePlan(out, { inventory, playbook: argv.playbook, limit: argv.limit ?? [] }, report, new Date())
        },
      }),
    })
  },
}
