import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { InventoryError } from '../../errors.ts'
import { ansibleInventory, printHost, printList, printStatic } from '../../export/ansible.ts'
import { rewrite } from '../../files/atomic.ts'
import type { Inventory } from '../../inventory/model.ts'
import { knownHostsLines } from '../../ssh-config/ssh-config.ts'
import { nameInState, stateFolder } from '../../verify/last-proofs.ts'
import { pinsOf } from './pins-of.ts'

interface Wish {
  readonly list?: boolean
  readonly host?: string
  readonly out?: string
}

/**
 * On stdout, or in a folder. The pins are kept in a file of their own in either case, since those in an inventory are
 * no known_hosts file.
 * @throws InventoryError after all is written, for hosts whose key is not known: Ansible will not reach these. As a
 * dynamic
 *   inventory it says so, and goes on
 */
export async function exported(inventory: Inventory, { list, host, out }: Wish): Promise<void> {
  const pins = pinsOf(inventory)
  const { lines, missing } = await knownHostsLines(inventory, pins)
  const keys = `# The host keys of ${resolve(inventory.file)}, kept by provision.\n${lines.map((line) => `${line}\n`).join('')}`
  if (out !== undefined) {
    const wanted = ansibleInventory(inventory, '{{ inventory_dir }}/known_hosts')
    const files = { known_hosts: keys, 'hosts.json': printStatic(wanted) }
    for (const [name, text] of Object.entries(files)) {
      const changed = await keep(join(out, name), text)
      process.stdout.write(`${join(out, name)}  ${changed ? 'written' : 'unchanged'}\n`)
    }
  } else {
    const file = join(stateFolder(process.env, homedir()), `ansible-${nameInState(inventory.file)}.known_hosts`)
    await keep(file, keys)
    const told = ansibleInventory(inventory, file)
    process.stdout.write(host === undefined ? (list ? printList(told) : printStatic(told)) : printHost(told, host))
  }
  if (missing.length === 0) return
  const sentence = `no full host key is pinned for ${missing.join(', ')}`
  const hint = `run \`provision trust ${inventory.file}\`; a fingerprint alone is not enough for known_hosts`
  // Ansible would drop all hosts for one.
  if (list || host !== undefined) process.stderr.write(`${sentence}: ${hint}\n`)
  else throw new InventoryError(sentence, hint)
}

async function keep(file: string, text: string): Promise<boolean> {
  let changed = false
  await mkdir(dirname(file), { recursive: true })
  await rewrite(file, (before) => {
    const after = Buffer.from(text).toString('latin1')
    changed = before !== after
    return after
  })
  return changed
}
