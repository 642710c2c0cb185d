import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolders } from '../files/temporary-folders.ts'
import { askSsh } from '../ssh/user-config/query.ts'

/** Of a name, each key of `ssh -G` that the file decides, in ssh's order. */
export type WrittenOptions = ReadonlyMap<string, readonly string[]>

export type AskWritten = (name: string) => Promise<WrittenOptions | undefined>

type Env = Readonly<Record<string, string | undefined>>

/** A user of this name is whoever runs ssh: nothing in the file says another. */
const NOBODY = 'provision-asks-ssh'

/**
 * Asks ssh what a file says of a name, as long as `use` runs: what it answers otherwise than with an empty
 * configuration. A user is told apart from whoever asks by a last line in a copy of the file. undefined: ssh refuses
 * the name, or the file.
 */
export async function askingWritten<T>(
  { file, readTwice, env }: { readonly file: string; readonly readTwice: boolean; readonly env: Env },
  use: (ask: AskWritten) => Promise<T>,
): Promise<T> {
  const folders = temporaryFolders()
  const folder = await folders.make()
  try {
    const copy = join(folder, 'config')
    // Includes are relative to ~/.ssh, wherever the file is.
    const end = `\nMatch ${readTwice ? 'final ' : ''}all\n    User ${NOBODY}\n`
    await writeFile(copy, `${await readFile(file, 'latin1')}${end}`, { encoding: 'latin1', mode: 0o600 })
    const ask = askSsh({ file: copy, env })
    const empty = settings(await askSsh({ file: 'none', env })(NOBODY))
    return await use(async (name) => {
      const said = settings(await ask(name))
      if (said.size === 0) return undefined
      const isWritten = ([key, values]: [string, readonly string[]]) => {
        const [value] = values
        if (key === 'host') return false
        if (key === 'hostname') return value?.toLowerCase() !== name.toLowerCase()
        if (key === 'user') return value !== NOBODY
        return values.join('\n') !== empty.get(key)?.join('\n')
      }
      return new Map([...said].filter(isWritten))
    })
  } finally {
    await folders.remove(folder)
  }
}

function settings(text: string): Map<string, string[]> {
  const all = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    if (key !== '') all.set(key, [...(all.get(key) ?? []), value.trim()])
  }
  return all
}
