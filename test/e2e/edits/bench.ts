import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applyEdits, modify, parse } from 'jsonc-parser'
import type { InventoryFile } from '../../../src/inventory/file.ts'
import type { Machine } from '../../../src/lab/index.ts'
import { local } from '../../../src/lab/local.ts'
import { type Options, type Ran, type Rehearsal, rehearse } from '../kit.ts'
import { makeCuttable } from '../strike.ts'
import {
  device,
  deviceAlias,
  everybody,
  gateway,
  gatewayAlias,
  type Listener,
  neighbour,
  other,
  ours,
  south,
  theirs,
} from './cast.ts'
import { goBack, keep, type Layer } from './layers.ts'
import { doorsOf, giveProbe, whoIsMissing } from './reach.ts'
import { bobIsThere, letBobDial, moveIn } from './strangers.ts'

/** A gateway, the devices of two inventories on it, and strangers: brought back to the same state for each trial. */
export interface Bench {
  readonly it: Rehearsal
  readonly listener: Listener
  /** Machines that have power in this trial. */
  readonly on: readonly Machine[]
  readonly files: { readonly ours: string; readonly theirs: string }
  machine(name: string): Machine
  provision(words: readonly string[], options?: Options): Promise<Ran>
  /** Of the inventory as it stands in the file, comments and all. */
  edit(file: string, change: (inventory: InventoryFile) => InventoryFile): Promise<void>
  /** Back to where both inventories are as written; with power for these machines, too. */
  open(more?: readonly string[]): Promise<Bench>
  /** The machine becomes a fresh one, with new host keys; it boots. */
  flash(name: string): Promise<void>
  close(): Promise<void>
}

const always = [gateway, device, neighbour, other]
/** As at a person's desk: host keys are pinned beside each inventory, and a spare host key may be made there. */
export const env = { PROVISION_KNOWN_HOSTS: '', CI: '' }

/** A second account with the same rights, and a second key for the first: people change to them. */
const handMade = (key: string) => `
useradd -m -s /bin/bash -G sudo admin2
install -d -m 700 -o admin2 -g admin2 /home/admin2/.ssh
install -m 600 -o admin2 -g admin2 /home/user001/.ssh/authorized_keys /home/admin2/.ssh/authorized_keys
echo 'admin2 ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin2
echo '${key}' >>/home/user001/.ssh/authorized_keys
useradd -m -s /bin/bash anna
install -d -m 700 -o anna -g anna /home/anna/.ssh
echo '${annasOwn}' >/home/anna/.ssh/authorized_keys
chown anna: /home/anna/.ssh/authorized_keys; chmod 600 /home/anna/.ssh/authorized_keys
`
const annasOwn = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ anna at home'

export async function makeBench(listener: Listener): Promise<Bench> {
  const it = await rehearse(everybody)
  try {
    return await furnish(it, listener)
  } catch (error) {
    await it.down()
    throw error
  }
}

async function furnish(it: Rehearsal, listener: Listener): Promise<Bench> {
  const { lab } = it
  const machine = (name: string) => lab.machine(name === deviceAlias ? device : name === gatewayAlias ? gateway : name)
  const fileOf = (name: string) => join(it.folder, name, 'inventory.json')
  const files = { ours: fileOf('ours'), theirs: fileOf('theirs') }
  const provision: Bench['provision'] = (words, options) =>
    it.provision(words, { timeoutMs: 150_000, ...options, env: { ...env, ...options?.env } })
  await makeCuttable(it)
  await local(['mkdir', '-p', join(it.folder, 'ours'), join(it.folder, 'theirs')])
  const key = join(it.folder, 'second-key')
  for (const file of [key, join(it.folder, 'annas-key')])
    await local(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'second', '-f', file])
  const second = (await readFile(`${key}.pub`, 'utf8')).trim()
  await Promise.all(lab.machines.map(({ sh }) => sh(handMade(second))))
  await Promise.all([gateway, south].map((name) => giveProbe(lab, machine(name))))
  const blank = new Map<string, Layer>()
  for (const { name } of lab.machines) blank.set(name, await keep(machine(name), 'blank'))
  await Promise.all(always.map((name) => machine(name).boot()))

  await moveIn(
    machine(gateway),
    [device, neighbour, other].map((name) => machine(name)),
  )
  await letBobDial(machine(gateway), machine(other))
  for (const [file, inventory] of [
    [files.ours, ours(listener)],
    [files.theirs, theirs(listener)],
  ] as const) {
    await writeFile(file, `// Kept by hand.\n${JSON.stringify(inventory, undefined, 2)}\n`)
    await must(provision(['trust', file, '--yes']))
    await must(provision([file]))
  }
  const bench: Bench = {
    it,
    listener,
    files,
    machine,
    provision,
    on: always.map(machine),
    async edit(file, change) {
      const text = await readFile(file, 'utf8')
      const inventory = change(parse(text, [], { allowTrailingComma: true }) as InventoryFile)
      const edits = modify(text, [], inventory, { formattingOptions: { insertSpaces: true, tabSize: 2 } })
      await writeFile(file, applyEdits(text, edits))
    },
    async open(more = []) {
      await restore()
      const on = [...always, ...more].map(machine)
      await Promise.all(on.map((each) => each.boot()))
      await settle()
      return { ...bench, on }
    },
    async flash(name) {
      const layer = blank.get(name)
      if (!layer) throw new Error(`no such machine: ${name}`)
      await goBack(layer)
      await local(['sh', '-c', 'rm -f "$1"/etc/ssh/ssh_host_*; ssh-keygen -q -A -f "$1"', 'sh', layer.machine.root])
      await layer.machine.boot()
    },
    close: () => it.down(),
  }
  await settle()
  const layers = new Map(blank)
  for (const name of always) layers.set(name, await keep(machine(name), 'base'))
  const kept = [join(it.folder, 'ours'), join(it.folder, 'theirs'), join(lab.directory, 'home')]
  const copyOf = (folder: string) => `${folder}.kept`
  for (const folder of kept) await local(['cp', '-a', folder, copyOf(folder)])
  return bench

  async function restore() {
    await Promise.all([...layers.values()].map(goBack))
    for (const folder of kept) {
      // The folder itself stays: a lab has its own mounts below.
      await local(['find', folder, '-mindepth', '1', '-delete'])
      await local(['cp', '-a', `${copyOf(folder)}/.`, folder])
    }
  }
  /** Both inventories are as written, and Bob is there. */
  async function settle() {
    await bobIsThere(machine(gateway))
    const doors = [...(await doorsOf(files.ours)), ...(await doorsOf(files.theirs))]
    const missing = await whoIsMissing(bench, doors, 40_000)
    if (missing.length > 0) throw new Error(`before anything was edited: ${missing.join('; ')}`)
  }
}

async function must(ran: Promise<Ran>): Promise<void> {
  const { code, stdout, stderr } = await ran
  if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`)
}
