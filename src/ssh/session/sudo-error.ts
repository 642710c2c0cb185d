import { RemoteError } from '../../errors.ts'
import { printable } from './end-mark.ts'

/** sudo wants a password that we do not have. */
export class SudoAsks extends RemoteError {
  constructor(message: string, hint: string) {
    super('sudo', message, hint)
  }
}

export const mayNotRunShell = (user: string) =>
  new RemoteError(
    'sudo',
    `sudo lets ${user} run some commands there, but not sh, which runs everything that provision does as root`,
    `allow ${user} all commands there (\`${user} ALL=(ALL) NOPASSWD: ALL\` in sudoers), or log in as another account`,
  )

/** Why root could not be reached, by the word of the remote command and the output of sudo. */
export function sudoError(
  word: string,
  output: string,
  account: { readonly user: string; readonly password: string | undefined },
) {
  const { user, password } = account
  // sudo never repeats a password; should one do so, nobody reads it here.
  const printed = () => (password === undefined ? printable(output) : printable(output).replaceAll(password, '…'))
  const nopasswd = `give the password of ${user} with --ask-sudo-password or PROVISION_SUDO_PASSWORD, or set NOPASSWD in sudoers`
  if (word === 'never') {
    return new RemoteError(
      'sudo',
      `${user} is not root, and login.sudo is false`,
      'log in as root, or set login.sudo to true',
    )
  }
  if (word === 'missing') {
    return new RemoteError('sudo', `${user} is not root, and there is no sudo`, 'install sudo there, or log in as root')
  }
  if (/is not allowed to execute/i.test(output)) return mayNotRunShell(user)
  if (/sudoers|not allowed|may not run|afraid I can't do that/i.test(output)) {
    const hint = `allow ${user} to use sudo there (adduser ${user} sudo), or log in as another account`
    return new RemoteError('sudo', `${user} may not use sudo: ${printed()}`, hint)
  }
  if (/must have a tty/i.test(output)) {
    return new RemoteError(
      'sudo',
      'sudo there requires a terminal',
      `put \`Defaults:${user} !requiretty\` into its sudoers`,
    )
  }
  if (word === 'password' && /incorrect|try again|no password|authentication fail/i.test(output)) {
    return new RemoteError(
      'sudo',
      `sudo refused the password of ${user}`,
      'the password was sent only once: is it the right one for this account on this host?',
    )
  }
  if (/password|authentication is required/i.test(output))
    return new SudoAsks(`sudo requires the password of ${user}`, nopasswd)
  return new RemoteError('sudo', `sudo refused ${user}: ${printed() || 'sudo gave no reason'}`, nopasswd)
}
