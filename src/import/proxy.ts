import { jumpOfCommand, type ProxyJumps } from '../ssh/user-config/proxy-command.ts'
import { readSshCommand } from '../ssh/user-config/ssh-command.ts'
import { wordsOf } from '../ssh/user-config/words.ts'

export interface Proxy extends ProxyJumps {
  /** The words that say something else. */
  readonly others: readonly string[]
}

/** The ways in which arguments for ssh can say "through that machine". */
export function proxyIn(args: string): Proxy {
  const words = wordsOf(args)
  if (words === undefined) return { jumps: [], others: [args] }
  const { host, user, port, identityFiles, jumps, proxyCommand, others, command } = readSshCommand(words)
  const proxy = proxyCommand === undefined ? { jumps } : jumpOfCommand(proxyCommand)
  return {
    ...(proxy ?? { jumps: [] }),
    others: [
      ...(user === undefined ? [] : [`-l ${user}`]),
      ...(port === undefined ? [] : [`-p ${port}`]),
      ...identityFiles.map((file) => `-i ${file}`),
      ...others,
      ...(proxy === undefined ? [`-o ProxyCommand=${proxyCommand}`] : []),
      ...(host === undefined ? [] : [host, ...command]),
    ],
  }
}
