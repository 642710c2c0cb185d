import type { CommandModule } from 'yargs'

const shells = ['bash', 'zsh', 'fish'] as const

export const completionCommand: CommandModule<unknown, { shell: (typeof shells)[number] }> = {
  command: 'completion <shell>',
  describe: 'Print what makes your shell complete commands, options, hosts and groups',
  builder: (argv) =>
    argv
      .positional('shell', { choices: shells, demandOption: true, describe: 'bash, zsh or fish' })
      .example('source <(provision completion bash)', 'in ~/.bashrc')
      .example('source <(provision completion zsh)', 'in ~/.zshrc, after compinit')
      .example('provision completion fish | source', 'in ~/.config/fish/config.fish')
      .epilogue('docs/guide.md#completion-and-the-manual-page') as never,
  async handler({ shell }) {
    const { scripts } = await import('./line/shells.ts')
    process.stdout.write(scripts[shell])
  },
}
