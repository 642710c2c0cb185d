import type { Mark } from '../../resources/mark.ts'

/** What a fresh system becomes at its first boot, whatever the format of its image. */
export interface Seed {
  /** The device's name in the inventory; its first label is the host name. */
  readonly device: string
  /** What accounts that are made carry as their comment. */
  readonly mark: Mark
  readonly accounts: readonly SeedAccount[]
  /** Written before `program` runs for the first time. */
  readonly files: readonly SeedFile[]
  /**
   * POSIX sh, run as root at every boot until it has ended with 0 once; then it and everything secret of the seed is
   * gone.
   */
  readonly program: { readonly path: string; readonly content: string }
  readonly wifi?: { readonly ssid: string; readonly passphrase: string; readonly country?: string }
}

/** May use sudo without a password; no password login. */
export interface SeedAccount {
  readonly name: string
  readonly authorizedKeys: readonly string[]
  readonly sudo: boolean
}

/** `secret`: must not stay on the FAT partition, nor in any copy that the image's own machinery keeps of it. */
export interface SeedFile {
  readonly path: string
  readonly mode: string
  readonly content: string
  readonly secret: boolean
}
