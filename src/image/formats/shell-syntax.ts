import { spawnSync } from 'node:child_process'

/** How a shell of this machine judges a script that it does not run. `unchecked`: no fitting shell is here. */
export type Syntax = 'good' | 'unchecked' | { readonly line: number }

// Patterns that a script may switch on for itself; older ones than 4 do not know all that a Raspberry Pi OS
// understands.
const bash = ['bash', ['-O', 'extglob', '-n']] as const
const shells = {
  bash: [bash],
  sh: [['dash', ['-n']], ['busybox', ['ash', '-n']], bash],
} as const

export function syntaxOf(script: string, language: keyof typeof shells): Syntax {
  for (const [command, words] of shells[language]) {
    if (command === 'bash' && !isRecentBash()) continue
    const { error, status, stderr } = spawnSync(command, words, { input: script, env: env() })
    if (error || status === null) continue
    // bash reads a here-document without an end, and only warns.
    if (status === 0) return 'good'
    return { line: Number(/(?:line |: )(\d+): /.exec(stderr.toString())?.[1] ?? 1) }
  }
  return 'unchecked'
}

const env = () => ({ LC_ALL: 'C', PATH: process.env.PATH ?? '' })

function isRecentBash(): boolean {
  return spawnSync('bash', ['-c', 'exit $((BASH_VERSINFO[0] < 4))'], { env: env() }).status === 0
}
