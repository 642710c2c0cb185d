import { RemoteError } from '../errors.ts'
import { printable } from './output.ts'

/** Why root could not be reached, by the word of the remote command and what sudo said. */
export function sudoError(
  word: string,
  said: string,
  account: { readonly user: string; readonly password: string | undefined },
) {
  const { user, password } = account
  const whole = password === undefined ? said : said.replaceAll(password, '')
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
  if (/sudoers|not allowed|may not run/i.test(whole)) {
    const hint = `let ${user} use sudo there (adduser ${user} sudo), or log in as another account`
    return new RemoteError('sudo', `${user} may not use sudo: ${printable(whole)}`, hint)
  }
  if (word === 'password' && /incorrect|try again|no password/i.test(whole)) {
    return new RemoteError('sudo', `sudo refused the password of ${user}`, `tried once; ${nopasswd}`)
  }
  if (/password/i.test(whole)) return new RemoteError('sudo', `sudo wants the password of ${user}`, nopasswd)
  return new RemoteError('sudo', `sudo refused ${user}: ${printable(whole) || 'it gave no reason'}`, nopasswd)
}
