import type { CommandModule } from 'yargs'

/** A command as `provision` knows it before it loads it. */
export interface CommandEntry {
  readonly name: string
  /** What people type for it as well. */
  readonly alias?: string
  readonly load: () => Promise<AnyCommand>
}

/** Each command has arguments of its own. */
export type AnyCommand = CommandModule<never, never>

/** All commands, in the groups of the help: a new one is one line. */
export const groups: readonly (readonly [title: string, commands: readonly CommandEntry[]])[] = [
  [
    'First steps',
    [
      command('init', async () => (await import('./init.ts')).initCommand),
      command('import', async () => (await import('./import.ts')).importCommand),
      command('trust', async () => (await import('./trust.ts')).trustCommand),
      command('plan', async () => (await import('./plan.ts')).planCommand, 'check'),
      command('apply', async () => (await import('./apply.ts')).applyCommand, 'up'),
      command('ssh-config', async () => (await import('./ssh-config.ts')).sshConfigCommand),
    ],
  ],
  [
    'Every day',
    [
      command('status', async () => (await import('./status.ts')).statusCommand),
      command('watch', async () => (await import('./watch.ts')).watchCommand),
      command('history', async () => (await import('./history.ts')).historyCommand),
      command('verify', async () => (await import('./verify.ts')).verifyCommand),
      command('doctor', async () => (await import('./doctor.ts')).doctorCommand),
      command('ssh', async () => (await import('./ssh.ts')).sshCommand),
      command('exec', async () => (await import('./exec.ts')).execCommand),
      command('cp', async () => (await import('./cp.ts')).cpCommand),
      command('open', async () => (await import('./open.ts')).openCommand),
    ],
  ],
  [
    'Changes',
    [
      command('add', async () => (await import('./add.ts')).addCommand),
      command('rename', async () => (await import('./rename.ts')).renameCommand),
      command('remove', async () => (await import('./remove.ts')).removeCommand),
      command('rotate', async () => (await import('./rotate.ts')).rotateCommand),
      command('undo', async () => (await import('./undo.ts')).undoCommand),
    ],
  ],
  [
    'When something has died',
    [
      command('image', async () => (await import('./image.ts')).imageCommand),
      command('restore-gateway', async () => (await import('./restore-gateway.ts')).restoreGatewayCommand),
    ],
  ],
  [
    'Rehearsals and tools',
    [
      command('drill', async () => (await import('./drill.ts')).drillCommand),
      command('lab', async () => (await import('./lab.ts')).labCommand),
      command('report', async () => (await import('./report.ts')).reportCommand),
      command('export', async () => (await import('./export.ts')).exportCommand),
      command('schema', async () => (await import('./schema.ts')).schemaCommand),
      command('completion', async () => (await import('./completion.ts')).completionCommand),
    ],
  ],
]

export const commands: readonly CommandEntry[] = groups.flatMap(([, some]) => some)

/** `provision apply FILE` where that file is a plan: other options, the same word. */
export const planFileCommand = command('apply', async () => (await import('./apply-plan.ts')).applyPlanCommand)

export const commandNamed = (word: string): CommandEntry | undefined =>
  commands.find(({ name, alias }) => word === name || word === alias)

function command<T>(name: string, load: () => Promise<CommandModule<T, never> | CommandModule<T, T>>, alias?: string) {
  return { name, load: load as CommandEntry['load'], ...(alias && { alias }) }
}
