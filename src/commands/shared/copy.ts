import { access, constants, stat } from 'node:fs/promises'
import { InventoryError } from '../../errors.ts'
import { type Device, type Gateway, hosts, type Inventory } from '../../inventory/model.ts'
import { type Copied, copyFrom, copyTo, type LocalFile, placeHere } from '../../remote/copy.ts'
import { exitCodeOf, type HostEnd, type OnHosts, onHosts } from '../../remote/on-hosts.ts'
import type { Copying } from '../../remote/place.ts'
import { clean } from '../../report/inert.ts'
import { hostTrouble } from '../../report/terminal/exec.ts'
import { forksOf } from './by-hand.ts'
import { connected } from './context.ts'
import { onInterrupt } from './interrupt.ts'
import { limitOf } from './limit.ts'
import { named } from './named.ts'
import type { ConnectArguments } from './options.ts'

/** From one side to the other; what arrived is told, host by host. */
export async function copy(
  inventory: Inventory,
  copying: Copying,
  argv: Pick<ConnectArguments, 'timeout' | 'transport'> & { readonly forks: number },
): Promise<void> {
  const forks = forksOf(argv)
  const work = copying.kind === 'to' ? await sending(inventory, copying) : await fetching(inventory, copying)
  const interrupt = onInterrupt(() => void process.stderr.write('interrupted: what has not arrived is taken away\n'))
  const { signal } = interrupt
  try {
    await connected(inventory, argv, async (context) => {
      const ends = await work({ context, forks, signal })
      for (const { name, value, error } of ends) {
        if (value) process.stdout.write(`${clean(`${name}: ${value.path}`)}  ${value.bytes} bytes\n`)
        if (error && !signal.aborted) process.stderr.write(hostTrouble(name, error))
      }
      process.exitCode = signal.aborted ? 130 : exitCodeOf(ends, ({ value }) => value !== undefined)
    })
  } finally {
    interrupt.done()
  }
}

type Work = (on: OnHosts) => Promise<readonly HostEnd<Copied>[]>

async function sending(inventory: Inventory, { file, places }: Extract<Copying, { kind: 'to' }>): Promise<Work> {
  const local = await localFile(file)
  const wanted = places.flatMap(({ host, path }) => receivers(inventory, host).map((to) => ({ to, path })))
  const to = wanted.map((each) => each.to)
  return (on) =>
    onHosts(to, on, (session, at) => copyTo(session, local, { path: wanted[at]?.path ?? '', signal: on.signal }))
}

async function fetching(inventory: Inventory, { host, path, file }: Extract<Copying, { kind: 'from' }>): Promise<Work> {
  const from = named(host, hosts(inventory))
  const place = await placeHere(file, path)
  if (place === undefined)
    throw new InventoryError(`${file}: no file can be there`, 'name a file in a folder that is there')
  return (on) => onHosts([from], on, (session) => copyFrom(session, place, { path, signal: on.signal }))
}

/** @throws InventoryError */
async function localFile(file: string): Promise<LocalFile> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new InventoryError(`${file}: there is no such file`, 'name a file of this machine')
  if (!found.isFile())
    throw new InventoryError(
      `${file}: is no regular file`,
      'a whole folder: tar -c FOLDER | provision ssh NAME -- tar -x',
    )
  await access(file, constants.R_OK).catch(() => {
    throw new InventoryError(`${file}: cannot be read`, 'may you read it?')
  })
  return { file, bytes: found.size, mode: found.mode & 0o777 }
}

/** A host by its name, or all that a group or a glob means. */
function receivers(inventory: Inventory, name: string): readonly (Gateway | Device)[] {
  const isPattern = /[*?]/.test(name) || inventory.groups.some((group) => group.name === name)
  if (!isPattern) return [named(name, hosts(inventory))]
  const within = limitOf([name], inventory)
  return hosts(inventory).filter((host) => within(host.name))
}
