import type { Kit } from './kit.ts'

/** Something that is wrong with one tunnel and with nothing else; what the doctor says of it mends it. */
export interface Ailment {
  readonly what: string
  /** Whose tunnel, to which gateway. */
  readonly of: readonly [device: string, gateway: string]
  readonly breaks: string | (() => Promise<unknown>)
  /** Where that script runs; the device where nothing is said. */
  readonly on?: string
  readonly link: string
  readonly says: RegExp | string
  /** What of the mend only a person can do: a line of a file that is to go, say. */
  readonly by?: (said: { readonly says: string }) => Promise<unknown>
  /** Afterwards. */
  readonly clear?: () => Promise<unknown>
}

/** `AllowUsers x (FILE line N)`: that line goes, as the mend says. */
export const lineOut =
  ({ inside }: Kit, host: string): NonNullable<Ailment['by']> =>
  ({ says }) => {
    const [, file = '', line = ''] = /\((\/\S+) line (\d+)\)/.exec(says) ?? []
    return inside(host, `sed -i ${line}d ${file}; systemctl reload ssh`)
  }

export const settings = '/etc/ssh/sshd_config.d'
