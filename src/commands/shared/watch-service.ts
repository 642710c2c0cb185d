import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { InventoryError, ProvisionError } from '../../errors.ts'
import { withoutWatchKey, withWatchKey } from '../../inventory/edit/watch-keys.ts'
import { list } from '../../inventory/messages.ts'
import type { Inventory } from '../../inventory/model.ts'
import { readInventory } from '../../inventory/read/inventory.ts'
import { printProofs } from '../../report/terminal/text.ts'
import { parseKeyLine } from '../../resources/authorized-keys.ts'
import { markFor } from '../../tunnel/marks.ts'
import { removeService, serviceKeyOf, startService } from '../../watch/service/install.ts'
import { mayMail, mayManage, mayRead, readsOf } from '../../watch/service/may-run.ts'
import { serviceKey, serviceName, serviceState, serviceText, serviceUnit } from '../../watch/service/unit.ts'
import { identify } from './identify.ts'
import type { WatchArguments } from './keep-watch.ts'
import { lookOf } from './outputs.ts'
import { listeningWords } from './page-options.ts'
import { rewriteInventory } from './rewrite-inventory.ts'
import { type KeyTrial, tryWatcherKey } from './try-watcher-key.ts'

export interface ServiceArguments extends WatchArguments {
  readonly leastPrivilege: boolean
}

const say = (text: string) => void process.stdout.write(`${text}\n`)

/**
 * The watcher becomes a service of this machine. Each step that is done already is only looked at, so it may be run
 * again at any time; nothing starts before every gateway lets the service's key look.
 */
export async function installWatch(argv: ServiceArguments): Promise<void> {
  const { inventory: file } = argv
  await mayManage()
  const before = await readInventory(file)
  await mayRead(before)
  await mayMail(before)
  const { id, inventory } = await identified(file)
  const reads = readsOf(inventory)
  const key = await serviceKeyOf(id, `watcher on ${hostname()}`)
  if (!isListed(inventory, key)) {
    await rewriteInventory(file, (text) => ({ text: withWatchKey(text, `${key} watcher on ${hostname()}`) }))
    say(`${file}: the public key of this watcher was added, "watch": { "keys": … }`)
  }
  const trial = await tryWatcherKey(await readInventory(file), { ...argv, id, key: serviceKey(id) })
  if (!isLetIn(trial, file)) return
  const words = [...(argv.every === '30s' ? [] : ['--every', argv.every]), ...listeningWords(argv)]
  const [node, program] = [process.execPath, reads.program]
  const text = serviceText({
    ...{ id, mark: markFor({ id }), node, program, inventory: reads.inventory, words },
    reads: [node, reads.package, reads.folder],
  })
  const became = await startService({ id, mark: markFor({ id }) }, text)
  say(
    became === 'unchanged'
      ? `${serviceUnit(id)} runs already, as it should`
      : `${serviceUnit(id)} is installed and watches; its record is in ${serviceState(id)}`,
  )
  process.stderr.write(`next: systemctl status ${serviceUnit(id)}\n`)
}

/** Says what the gateways said of the key. */
function isLetIn({ refused, silent, proofs }: KeyTrial, file: string): boolean {
  if (silent.length > 0) {
    for (const { gateway, error } of silent)
      say(`${gateway}: ${error.message}${error.hint ? `\n  hint: ${error.hint}` : ''}`)
    throw new ProvisionError('nothing was installed: a gateway could not be asked', 'run this again when it can be')
  }
  for (const line of printProofs(proofs, { ...lookOf(process.stdout), diffs: false })) say(line)
  if (proofs.some(({ state }) => state === 'fails'))
    throw new ProvisionError(
      'the key can do more than look, and nothing was installed or changed here',
      `as whom you provision: provision ${file}, which puts our settings back; then run this again`,
    )
  if (refused.length === 0) return true
  say(`not installed yet: ${refused.join(', ')} must let its key in first`)
  process.stderr.write(`next: as whom you provision: provision ${file}, and then run this again\n`)
  process.exitCode = 1
  return false
}

export async function uninstallWatch(file: string): Promise<void> {
  await mayManage()
  const inventory = await readInventory(file)
  const { id } = inventory
  if (id === undefined) return say('there is no service of this inventory here')
  const key = await removeService({ id, mark: markFor({ id }) })
  say(key ? `${serviceUnit(id)} was taken away, with its key` : 'there is no service of this inventory here')
  if (key && isListed(inventory, key)) {
    await rewriteInventory(file, (text) => ({ text: withoutWatchKey(text, key) }))
    say(`${file}: its public key was removed`)
    process.stderr.write(`next: as whom you provision: provision ${file}, which shuts it out of your gateways\n`)
  }
  if (key) say(`its record stays; to delete that, too: rm -r ${serviceState(id)} /var/lib/private/${serviceName(id)}`)
}

async function identified(file: string): Promise<{ id: string; inventory: Inventory }> {
  const before = await readInventory(file)
  if (before.id !== undefined) return { id: before.id, inventory: before }
  const { id, note } = await identify(file, { applies: true, shared: false })
  if (id === undefined) throw new InventoryError(`${file}: has no "id", and none could be written`, note)
  return { id, inventory: await readInventory(file) }
}

const isListed = ({ watch }: Inventory, key: string) =>
  (watch?.keys ?? []).some((line) => {
    const parsed = parseKeyLine(line)
    return parsed !== undefined && `${parsed.type} ${parsed.blob}` === key
  })

/** What the same takes on a gateway, whose own systemd has to be asked. */
export async function explainWatchOn(file: string, on: string): Promise<void> {
  const { gateways } = await readInventory(file)
  const names = gateways.map(({ name }) => name)
  if (!names.includes(on)) throw new InventoryError(`${file}: ${on} is no gateway`, `--on takes ${list(names, 'or')}`)
  const [there, pins] = [basename(file), join(dirname(file), 'known_hosts')]
  say(`To watch beside ${on}, install provision there. Then, here:

  provision cp --inventory ${file} ${file} ${on}:/tmp/
  provision cp --inventory ${file} ${pins} ${on}:/tmp/
  provision exec --inventory ${file} --sudo --limit ${on} -- install -D -m 644 -t /etc/provision /tmp/${there} /tmp/known_hosts

and there:

  sudo provision watch /etc/provision/${there} --install

That writes the public key of the watcher into the file there. Fetch it, and let the key in; then run --install again:

  provision cp --inventory ${file} ${on}:/etc/provision/${there} ${file}
  provision ${file}`)
}
