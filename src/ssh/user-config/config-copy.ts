import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigFile } from './config-tree.ts'
import { type LeftOut, without } from './left-out.ts'

/**
 * Writes a configuration anew into a private folder, with something left out, for `ssh -F`: that reads one file alone,
 * so the first includes what ssh would read one after the other. Returns the path of that file.
 */
export async function copyWithout(files: readonly ConfigFile[], leftOut: LeftOut, folder: string): Promise<string> {
  let number = 0
  const write = async (text: string): Promise<string> => {
    const path = join(folder, String(number++))
    await writeFile(path, text, { encoding: 'latin1', mode: 0o600 })
    return Buffer.from(path).toString('latin1')
  }
  const copy = async (file: ConfigFile): Promise<string> => {
    const lines = await Promise.all(
      without(file, leftOut).map(async ({ text, includes }) => {
        if (includes === undefined) return text
        const paths = await Promise.all(includes.map(async (one) => (typeof one === 'string' ? one : copy(one))))
        return paths.map(include).join('\n')
      }),
    )
    return write(lines.join('\n'))
  }
  const paths = await Promise.all(files.map(copy))
  const first = await write(paths.map((path) => `${include(path)}\n`).join(''))
  return Buffer.from(first, 'latin1').toString()
}

const include = (path: string) => `Include ${/\s/.test(path) ? `"${path}"` : path}`
