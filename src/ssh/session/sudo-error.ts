import { RemoteError } from '../../errors.ts'
import { printable } from './end-mark.ts'

/** Why root could not be reached, by the word of the remote command and what sudo said. */
export function sudoError(
  word: string,
  said: string,
  account: { readonly user: string; readonly password: string | undefined },
) {
  const { user, password } = account
  // sudo never repeats a password; should one do so, nobody reads it here.
  const shown = () => (password === undefined ? printable(said) : printable(said).replaceAll(password, '…'))
  const nopasswd = `give ${user} a password with --ask-sudo-password or PROVISION_SUDO_PASSWORD, or NOPASSWD in sudoers`
  if (word === 'never') {
    return new RemoteError(
      'sudo',
      `${user} is not root, and login.sudo is false`,
      'log in as root, or allow login.sudo',
    )
  }
  if (word === 'missing') {
    return new RemoteError('sudo', `${user} is not root, and there is no sudo`, 'install sudo there, or log in as root')
  }
  if (/sudoers|not allowed|may not run/i.test(said)) {
    const hint = `let ${user} use sudo there (adduser ${user} sudo), or log in as another account`
    return new RemoteError('sudo', `${user} may not use sudo: ${shown()}`, hint)
  }
  if (/must have a tty/i.test(said)) {
    return new RemoteError(
      'sudo',
      'sudo there wants a terminal',
      `put \`Defaults:${user} !requiretty\` into its sudoers`,
    )
  }
  if (word === 'password' && /incorrect|try again|no password/i.test(said)) {
    return new RemoteError(
      'sudo',
      `sudo refused the password of ${user}`,
      'it was given once and not again: is it the right one for this account on this host?',
    )
  }
  if (/password/i.test(said)) return new RemoteError('sudo', `sudo wants the password of ${user}`, nopasswd)
  return new RemoteError('sudo', `sudo refused ${user}: ${shown() || 'it gave no reason'}`, nopasswd)
}
