import { RemoteError } from '../../errors.ts'

interface Said {
  /** What came on stderr before the end line. */
  readonly output: Buffer
  readonly mark: string
  readonly user: string
}

/** Did something on the way read what the remote command was to read: by the word of its end line, and its output. */
export function swallowed(word: string, { output, mark, user }: Said): RemoteError | undefined {
  if (word === 'swallowed')
    return new RemoteError(
      'refused',
      `the script did not arrive: something that runs at the login of ${user} read it`,
      `look for a command that reads stdin, such as ssh, cat or read, in ~/.bashrc, ~/.ssh/rc, /etc/ssh/sshrc and the shell's other startup files: give it </dev/null (ssh: -n), or run it in interactive shells alone`,
    )
  if (output.includes(`${mark}-\n`))
    return new RemoteError(
      'sudo',
      'the script did not arrive: sudo read it together with the password, as some versions of sudo-rs do',
      `allow ${user} to use sudo without a password (NOPASSWD), install another sudo there, or log in as root`,
    )
  return undefined
}
