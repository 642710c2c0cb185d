import { Sh, sh } from './sh.ts'

/**
 * Where a login may find less or other programs, messages in any language, and options only before all other words
 * (POSIXLY_CORRECT, getopt(3)): what every script of ours begins with.
 */
export const plainShell = sh`PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL; unset POSIXLY_CORRECT`

/** A shell program that is a file of its own. */
export const program = (text: string): Sh => new Sh(text.trimEnd())

/** A script that does nothing when it was cut short anywhere. */
export function whole(body: Sh): string {
  return `provision() {\n${body.text}\n}\nif :; then provision </dev/null; fi\n`
}

/** A shell function with this body, or with none. */
export function asFunction(name: string, body: Sh | undefined): Sh {
  return new Sh(`${name}() {\n${body?.text || ':'}\n}`)
}

export function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8')
}
