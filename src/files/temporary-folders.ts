import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Private folders that do not outlive this process, whichever way it ends by itself. */
export interface Folders {
  make(): Promise<string>
  remove(folder: string): Promise<void>
}

/** Room for our names and ssh's own suffix in the path of a socket: 104 bytes with macOS, 108 with Linux. */
const LONGEST = 104 - '/provision-123456/control.0123456789abcdef'.length - 1

export function temporaryFolders(): Folders {
  const there = new Set<string>()
  const onExit = () => {
    for (const folder of there) rmSync(folder, { recursive: true, force: true })
  }
  return {
    async make() {
      const base = Buffer.byteLength(tmpdir()) <= LONGEST ? tmpdir() : '/tmp'
      // Node makes it with mode 0700.
      const folder = await mkdtemp(join(base, 'provision-'))
      if (there.size === 0) process.on('exit', onExit)
      there.add(folder)
      return folder
    },
    async remove(folder) {
      await rm(folder, { recursive: true, force: true })
      if (there.delete(folder) && there.size === 0) process.off('exit', onExit)
    },
  }
}
