import { userInfo } from 'node:os'

/** As whom this process runs. An account that exists only for a service may be in no list of accounts. */
export function thisAccount(env: Readonly<Record<string, string | undefined>>): {
  readonly username: string
  readonly homedir: string
} {
  try {
    return userInfo()
  } catch {
    return { username: env.USER ?? String(process.getuid?.()), homedir: env.HOME ?? '/' }
  }
}
