import { lstat, mkdir, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { InventoryError, ProvisionError } from '../errors.ts'
import { errorCode, readIfThere, rewrite } from '../files/atomic.ts'
import { holdsBlock, withBlock, withInclude } from './files.ts'

export interface Written {
  /** With `~`, as people write it. */
  readonly file: string
  readonly changed: boolean
}

export interface Blocks {
  /** Absolute path of the inventory: its block is found again by it. */
  readonly inventory: string
  /** Given the words for its known_hosts file. */
  readonly config: (knownHosts: string) => string
  readonly knownHosts: readonly string[]
}

/**
 * Keeps one inventory's block in a file of its own below `~/.ssh/config.d`, its host keys in another beside it, and one
 * line in `~/.ssh/config` that includes the block. Every other line of these files stays; what is as it should be is
 * not written at all.
 * @throws InventoryError for a home of somebody else; ProvisionError for a file that cannot be understood
 */
export async function writeBlocks(home: string, { inventory, config, knownHosts }: Blocks): Promise<Written[]> {
  const owner = (await stat(home)).uid
  if (owner !== process.getuid?.()) {
    throw new InventoryError(`${home} belongs to somebody else`, 'run it as the user whose ssh it is for, without sudo')
  }
  const name = (file: string) => `~/.ssh/${file}`
  const ssh = join(home, '.ssh')
  await mkdir(join(ssh, 'config.d'), { recursive: true, mode: 0o700 })
  const block = join('config.d', await fileFor(inventory, join(ssh, 'config.d')))
  const keys = block.replace(/\.conf$/, '.known_hosts')
  const change = async (file: string, to: (before: string) => string) => {
    return { file: name(file), changed: await changed(join(ssh, file), to) }
  }
  return [
    // The keys first: with a block without them no login would succeed.
    await change(keys, () => bytes(`# The host keys of ${inventory}, kept by provision.\n${knownHosts.join('\n')}\n`)),
    await change(block, (before) => {
      const after = withBlock(before, bytes(inventory), bytes(config(name(keys))))
      if (after !== undefined) return after
      const hint = `delete the rest of the block, from the line that begins with "# >>> provision" on`
      throw new ProvisionError(`${name(block)}: the last line of the block is missing`, hint)
    }),
    await change('config', (before) => withInclude(before, bytes(join(ssh, block)), bytes(home))),
  ]
}

/** Does the ssh_config in this home have this inventory's block. */
export async function hasBlocks(home: string, inventory: string): Promise<boolean> {
  const folder = join(home, '.ssh', 'config.d')
  const there = await readdir(folder).catch(() => [])
  const file = await fileOf(inventory, folder, there).catch(() => undefined)
  return file !== undefined
}

/** The file that holds the inventory's block already, else one that nobody has. */
async function fileFor(inventory: string, folder: string): Promise<string> {
  const there = await readdir(folder)
  const own = await fileOf(inventory, folder, there)
  if (own !== undefined) return own
  const stem = `provision-${basename(inventory)
    .replace(/\.jsonc?$/, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')}`
  for (let n = 1; ; n++) {
    const file = `${stem}${n === 1 ? '' : `-${n}`}.conf`
    if (!there.includes(file)) return file
  }
}

async function fileOf(inventory: string, folder: string, there: readonly string[]): Promise<string | undefined> {
  for (const file of there) {
    if (!/^provision-.*\.conf$/.test(file)) continue
    if (holdsBlock(await readIfThere(join(folder, file)), bytes(inventory))) return file
  }
  return undefined
}

/** New files are their owner's alone. A link stays one. */
async function changed(file: string, to: (before: string) => string): Promise<boolean> {
  const link = await lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  )
  if (link && (await realpath(file).catch(() => undefined)) === undefined) {
    throw new ProvisionError(`${file} is a link to a file that does not exist`, 'create that file, or remove the link')
  }
  const before = await readIfThere(file)
  const after = to(before)
  if (after === before) return false
  await open(file, 'ax', 0o600).then(
    (made) => made.close(),
    (error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error
    },
  )
  await rewrite(file, to)
  return true
}

/** A file's text is handled as its bytes, a character each. */
const bytes = (text: string) => Buffer.from(text).toString('latin1')
