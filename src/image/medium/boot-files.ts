/** What lies in the root of a boot partition, as far as a seed has to know it. */
export interface BootFiles {
  /** Files and folders, sorted. */
  readonly names: readonly string[]
  /** undefined: there is no such file. */
  text(name: string): string | undefined
}

/** A file that a seed puts there. */
export interface BootFile {
  readonly name: string
  readonly content: string
}

export const empty: BootFiles = { names: [], text: () => undefined }

/** The words of the kernel's command line, which is the first line of its file: the firmware reads no other. */
export function cmdline(boot: BootFiles): readonly string[] {
  const [line = ''] = (boot.text('cmdline.txt') ?? '').split('\n', 1)
  return line.split(/\s+/).filter((word) => word !== '')
}
