import { ProvisionError } from '../../errors.ts'
import { type BootFiles, cmdline } from '../medium/boot-files.ts'

const inits =
  /^init=(\/usr\/lib\/(raspberrypi-sys-mods\/firstboot|raspi-config\/init_resize\.sh)|\/s?bin\/init|.*\/systemd)$/
const rescue = /^(single|s|S|1|rescue|emergency|systemd\.unit=(rescue|emergency)\.target)$/
const inMemory = /^(boot=overlay|overlayroot=(?!disabled).*)$/

/** @throws ProvisionError where the kernel's command line lets no seed start, or forgets what one has done. */
export function refuseKernelLine(boot: BootFiles): void {
  const words = cmdline(boot)
  refuseWord(
    words.find((word) => inMemory.test(word)),
    'keeps the root file system in memory, where every change is lost at power off',
  )
  refuseWord(
    words.find((word) => rescue.test(word)),
    'boots only to a rescue shell',
  )
  refuseWord(
    words.find((word) => word.startsWith('init=') && !inits.test(word)),
    'starts another program instead of the system',
  )
}

export function refuseWord(word: string | undefined, does: string): void {
  if (word === undefined) return
  throw new ProvisionError(
    `its kernel command line ${does}: ${word}`,
    'remove that from cmdline.txt, or flash the card without that customisation',
  )
}

/** That line with other words at its end; whatever else is in its file stays. */
export function withWords(boot: BootFiles, gone: RegExp, added: readonly string[]): string {
  const text = boot.text('cmdline.txt') ?? ''
  const end = text.includes('\n') ? text.slice(text.indexOf('\n')) : '\n'
  return `${[...cmdline(boot).filter((word) => !gone.test(word)), ...added].join(' ')}${end}`
}
