import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isThere, put } from '../../files/atomic.ts'
import { newKey } from './new-key.ts'
import { type PrivateKeyFile, privateKeyFile } from './private-key.ts'

/**
 * Where an admin has the private halves of spare host keys: `spare-host-keys/GATEWAY` beside the inventory, with its
 * public half in `GATEWAY.pub`, as ssh-keygen has it. While one takes the place of another it is `GATEWAY.next`.
 */
export interface SpareFiles {
  readonly folder: string
  pathOf(gateway: string): string
  /** The private half of this key, if it is here. */
  find(gateway: string, publicKey: string): Promise<PrivateKeyFile | undefined>
  /** The pair that stands in the gateway's own place; undefined: none, or its two halves are of different keys. */
  current(gateway: string): Promise<PrivateKeyFile | undefined>
  /** A new pair, and its public half: `next` beside the current one, which stays. */
  make(gateway: string, place: 'current' | 'next'): Promise<string>
  /** From now on this key is the current one; does nothing where its private half is not here. */
  promote(gateway: string, publicKey: string): Promise<void>
}

const folderName = 'spare-host-keys'
const ignored = '# Private halves of spare host keys: see docs/gateway-died.md of provision.\n*\n!.gitignore\n!*.pub\n'

export function spareFiles(directory: string): SpareFiles {
  const folder = join(directory, folderName)
  const pathOf = (gateway: string) => join(folder, gateway)
  const files: SpareFiles = {
    folder,
    pathOf,
    async find(gateway, publicKey) {
      const all = await Promise.all([pathOf(gateway), `${pathOf(gateway)}.next`].map(read))
      return all.find((file) => file?.publicKey === publicKey)
    },
    async current(gateway) {
      const file = await read(pathOf(gateway))
      const [type, blob] = (await text(`${pathOf(gateway)}.pub`)).split(/\s+/)
      return file?.publicKey === `${type} ${blob}` ? file : undefined
    },
    async make(gateway, place) {
      const path = place === 'next' ? `${pathOf(gateway)}.next` : pathOf(gateway)
      const { privateKey, publicKey } = newKey(`spare host key of ${gateway}`)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      if (!(await isThere(join(folder, '.gitignore')))) await writeFile(join(folder, '.gitignore'), ignored)
      // A private half without its public one is told from it; the other way round it would be one that nobody has.
      await put(path, Buffer.from(privateKey), 0o600)
      await put(`${path}.pub`, publicHalf(gateway, publicKey), 0o644)
      return publicKey
    },
    async promote(gateway, publicKey) {
      const next = `${pathOf(gateway)}.next`
      if ((await read(next))?.publicKey !== publicKey) return
      await rename(next, pathOf(gateway))
      await put(`${pathOf(gateway)}.pub`, publicHalf(gateway, publicKey), 0o644)
      await rm(`${next}.pub`, { force: true })
    },
  }
  return files
}

async function read(path: string): Promise<PrivateKeyFile | undefined> {
  return privateKeyFile(await text(path))
}

const publicHalf = (gateway: string, key: string) => Buffer.from(`${key} spare host key of ${gateway}\n`)

const text = (path: string) => readFile(path, 'utf8').catch(() => '')
