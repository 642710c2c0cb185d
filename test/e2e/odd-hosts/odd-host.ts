/** A host as somebody has it: how a machine of the lab is made odd, and normal again, and what is right then. */
export interface OddHost {
  readonly name: string
  readonly odd: string
  readonly normal: string
  /** The one of the two that is odd; `device` where nothing is said. */
  readonly on?: 'gateway' | 'device'
  /** Where not every suite has it. */
  readonly suite?: OddSuite
  /**
   * What is changed while it is odd: a key of a person on that host (the default), or the tunnel, which gets one more
   * forward, and then that is undone.
   */
  readonly change?: 'tunnel'
  /** Of the command that makes it. */
  readonly env?: Readonly<Record<string, string>>
  /** Absent: the change is made as on any other host. Else it is refused with these words, and nothing is touched. */
  readonly refused?: RegExp
}

export type OddSuite = 'bookworm' | 'trixie'

interface Oddity {
  readonly odd: string
  readonly normal: string
}

export const oddHost = (name: string, oddity: Oddity, more: Partial<OddHost> = {}): OddHost => ({
  name,
  ...oddity,
  ...more,
})

/** A file that was not there. */
export const written = (file: string, text: string, then = ':'): Oddity => ({
  odd: `mkdir -p "$(dirname ${file})"; cat >${file} <<'END'\n${text}\nEND\n${then}`,
  normal: `rm ${file}; ${then}`,
})

/** These files are changed, and put back as they were. */
export const edited = (files: string, script: string, then = ':'): Oddity => ({
  odd: `for file in ${files}; do cp -a "$file" "/root/odd-$(basename "$file")"; done\n${script}\n${then}`,
  normal: `for file in ${files}; do rm -rf "$file"; mv "/root/odd-$(basename "$file")" "$file"; done; ${then}`,
})

/** The lab itself mounts /etc/hosts: another one is put over it. */
export const hostsFile = (sed: string): Oddity => ({
  odd: `sed '${sed}' /etc/hosts >/root/odd-hosts; mount --bind /root/odd-hosts /etc/hosts`,
  normal: 'umount /etc/hosts; rm /root/odd-hosts',
})

export const together = (...oddities: readonly Oddity[]): Oddity => ({
  odd: oddities.map(({ odd }) => odd).join('\n'),
  normal: oddities.map(({ normal }) => normal).join('\n'),
})
