import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { access, constants, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { InventoryError, ProvisionError } from '../../errors.ts'
import { type BootFile, type BootFiles, empty } from './boot-files.ts'
import type { Medium } from './medium.ts'

/** A mounted boot partition. */
export async function openFolder(path: string): Promise<Medium> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory())
    throw new InventoryError(`${path} is not a folder`, 'name the folder where the boot partition is mounted')
  return {
    what: path,
    boot: readFolder(path),
    check: (files) => checkRoom(path, wantedOf(path, files)),
    write: (files) => replaceAll(path, files),
    close: async () => {},
  }
}

/** A folder that gets the files alone; it is made where it is not there. */
export async function openOutput(path: string): Promise<Medium> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new InventoryError(`${path} cannot be created: ${error.code ?? error.message}`)
  })
  const card = await openFolder(path)
  return {
    ...card,
    boot: only(card.boot, addedTo),
    check: async (files) => card.check(onlyOurs(card, files)),
    write: async (files) => card.write(onlyOurs(card, files)),
  }
}

/** A seed adds to the kernel's command line, and cannot know it: it may be put there first. */
const addedTo = 'cmdline.txt'

function only({ names, text }: BootFiles, name: string): BootFiles {
  return names.includes(name) ? { names: [name], text: (asked) => (asked === name ? text(name) : undefined) } : empty
}

/** What a first boot reads beside the seed, and nobody has looked at here. */
const customised = ['firstrun.sh', 'custom.toml', 'userconf', 'userconf.txt']

/** @throws InventoryError where something else is there, which is not ours to replace. */
function onlyOurs({ what, boot }: Medium, files: readonly BootFile[]): readonly BootFile[] {
  const wanted = new Map(files.map(({ name, content }) => [name, content]))
  const other = [...wanted.keys(), ...customised].find(
    (name) => name !== addedTo && boot.names.includes(name) && boot.text(name) !== wanted.get(name),
  )
  if (other === undefined) return files
  throw new InventoryError(`${join(what, other)} already exists`, 'name an empty folder with --output')
}

function readFolder(path: string): BootFiles {
  const entries = readdirSync(path, { withFileTypes: true })
  return {
    names: entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort(),
    text: (name) =>
      entries.some((entry) => entry.name === name) ? asText(name, readFileSync(join(path, name))) : undefined,
  }
}

/** @throws ProvisionError where it is not text. */
export function asText(name: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new ProvisionError(`its ${name} is not UTF-8 text`, 'flash the card again')
}

/** Each beside what it replaces first, where a full or read-only card shows before anything is lost. */
async function replaceAll(path: string, files: readonly BootFile[]): Promise<readonly string[]> {
  const now = readFolder(path)
  const wanted = wantedOf(path, files)
  const before = new Map(wanted.map(({ name }) => [name, now.text(name)]))
  await checkRoom(path, wanted)
  const replaced: string[] = []
  try {
    for (const { name, content } of wanted) await writeWhole(join(path, temporary(name)), content)
    for (const { name } of wanted) {
      replaced.push(name)
      await rename(join(path, temporary(name)), join(path, name))
    }
    await settle(path)
    for (const { name, content } of wanted) await compare(join(path, name), content)
  } catch (error) {
    await putBack(path, wanted, { replaced, before })
    throw failed(error)
  }
  return wanted.map(({ name }) => name)
}

function wantedOf(path: string, files: readonly BootFile[]): readonly BootFile[] {
  const now = readFolder(path)
  return files.filter(({ name, content }) => now.text(name) !== content)
}

const temporary = (name: string) => `${name}.provision-new`

async function checkRoom(path: string, files: readonly BootFile[]): Promise<void> {
  await access(path, constants.W_OK).catch((error: unknown) => {
    throw failed(error)
  })
  const { bavail, bsize } = await statfs(path)
  const blocks = (length: number) => Math.ceil(length / bsize)
  // One more for the folder, which the names may make longer.
  const needed = files.reduce((sum, { content }) => sum + blocks(Buffer.byteLength(content)), 1)
  if (files.length === 0 || needed <= bavail) return
  throw new ProvisionError(
    `it has too little space: ${needed * bsize} bytes are needed, ${bavail * bsize} are free`,
    'remove what does not belong there, or flash the card again',
  )
}

async function writeWhole(path: string, content: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await compare(path, content)
}

async function compare(path: string, content: string): Promise<void> {
  if (readFileSync(path).equals(Buffer.from(content))) return
  throw new ProvisionError(`${path} differs from what was written to it`, 'the card is worn out: use another one')
}

async function settle(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function putBack(
  path: string,
  files: readonly BootFile[],
  {
    replaced,
    before,
  }: { readonly replaced: readonly string[]; readonly before: ReadonlyMap<string, string | undefined> },
): Promise<void> {
  for (const { name } of files) await rm(join(path, temporary(name)), { force: true }).catch(() => {})
  try {
    for (const name of replaced) {
      const content = before.get(name)
      if (content === undefined) await rm(join(path, name), { force: true })
      else await writeWhole(join(path, name), content)
    }
  } catch {
    throw new ProvisionError(
      'writing failed halfway, and the former files could not be restored',
      'flash the card again',
    )
  }
  if (files.length > 0) await settle(path).catch(() => {})
}

function failed(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof ProvisionError || code === undefined) return error
  const hints: Readonly<Record<string, string>> = {
    EROFS: 'it is mounted read-only: unlock the card, or mount it again',
    EACCES: 'you may not write there: mount it for yourself, or run this with sudo',
    EPERM: 'you may not write there: mount it for yourself, or run this with sudo',
    ENOSPC: 'it is full: remove what does not belong there, or flash the card again',
  }
  return new ProvisionError(`it cannot be written to (${code})`, hints[code])
}
