import { randomBytes } from 'node:crypto'
import { appendFile, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { local } from './local.ts'
import type { LabPlan, MachinePlan } from './plan.ts'

export const rootOf = (machine: MachinePlan): string => join(machine.directory, 'disk', 'root')
/** The boot partition of a machine that was given a card, see card.ts; it is there for as long as that card is. */
export const bootOf = (machine: MachinePlan): string => join(machine.directory, 'disk', 'boot')
export const identityOf = (plan: Pick<LabPlan, 'directory'>): string =>
  join(plan.directory, 'home', '.ssh', 'id_ed25519')

/** A freshly written card: an empty layer over the base, own names, own host keys, the account to log in with. */
export async function writeRoot(plan: LabPlan, machine: MachinePlan, base: string): Promise<void> {
  await mountRoot(machine, base)
  const root = rootOf(machine)
  const etc = join(root, 'etc')
  await writeFile(join(etc, 'hostname'), `${hostName(machine.name)}\n`)
  await writeFile(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`)
  if (machine.ports.some((port) => port !== 22))
    await writeFile(join(etc, 'ssh/sshd_config.d/lab.conf'), machine.ports.map((port) => `Port ${port}\n`).join(''))
  if (plan.sshd !== undefined) await appendFile(join(etc, 'ssh/sshd_config'), `${plan.sshd}\n`)
  // All kinds of key that Debian makes; the long one as short as OpenSSH takes any, which is made eight times as fast.
  await local(['ssh-keygen', '-q', '-t', 'rsa', '-b', '1024', '-N', '', '-f', join(etc, 'ssh/ssh_host_rsa_key')])
  await local(['ssh-keygen', '-q', '-A', '-f', root])
  await giveAccount(plan, machine, root)
}

/** Takes the machine's disk away; what it held is lost. */
export async function dropRoot(machine: MachinePlan): Promise<void> {
  await local(['umount', rootOf(machine)])
  await local(['umount', join(machine.directory, 'disk')])
}

/** Public host keys of the machine: `ssh-ed25519 AAAA…`, without comments. */
export async function readHostKeys(machine: MachinePlan): Promise<readonly string[]> {
  const folder = join(rootOf(machine), 'etc/ssh')
  const files = (await readdir(folder)).filter((file) => /^ssh_host_.*_key\.pub$/.test(file)).sort()
  const lines = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return lines.map((line) => line.trim().split(' ').slice(0, 2).join(' '))
}

/** Upper and work directory share one small file system in memory: a machine that fills its disk fills only its own. */
export async function mountRoot(machine: MachinePlan, base: string): Promise<void> {
  const disk = join(machine.directory, 'disk')
  const root = rootOf(machine)
  await mkdir(disk, { recursive: true })
  await local(['mount', '-t', 'tmpfs', '-o', 'size=512m,mode=755', 'provision-lab', disk])
  const [upper, work] = [join(disk, 'upper'), join(disk, 'work')]
  for (const folder of [upper, work, root]) await mkdir(folder)
  const layers = `lowerdir=${base},upperdir=${upper},workdir=${work}`
  await local(['mount', '-t', 'overlay', '-o', layers, 'provision-lab', root])
}

async function giveAccount(plan: LabPlan, { user, role, name }: MachinePlan, root: string): Promise<void> {
  if (!(await account(root, user)))
    await local(['chroot', root, 'useradd', '-m', '-s', '/bin/bash', '-G', 'sudo', user])
  const owner = await account(root, user)
  if (!owner) throw new ProvisionError(`lab: ${name}: the account ${user} could not be created`)
  const keys = join(root, owner.home, '.ssh')
  const identity = await readFile(identityOf(plan), 'utf8')
  const publicKey = await readFile(`${identityOf(plan)}.pub`, 'utf8')
  const files: [string, string][] = [['authorized_keys', publicKey]]
  if (role === 'client') files.push(['id_ed25519', identity], ['id_ed25519.pub', publicKey])
  await mkdir(keys, { recursive: true, mode: 0o700 })
  await chown(keys, owner.uid, owner.gid)
  for (const [file, text] of files) {
    await writeFile(join(keys, file), text, { mode: 0o600 })
    await chown(join(keys, file), owner.uid, owner.gid)
  }
  if (user === 'root') return
  if (plan.sudoPassword === undefined)
    await writeFile(join(root, 'etc/sudoers.d/lab'), `${user} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 })
  else await local(['chroot', root, 'chpasswd'], { input: `${user}:${plan.sudoPassword}\n` })
}

async function account(root: string, user: string): Promise<{ uid: number; gid: number; home: string } | undefined> {
  const lines = (await readFile(join(root, 'etc/passwd'), 'utf8')).split('\n').map((line) => line.split(':'))
  const line = lines.find(([name]) => name === user)
  return line && { uid: Number(line[2]), gid: Number(line[3]), home: line[5] ?? '/' }
}

/** Linux takes 64 characters, DNS more. */
function hostName(name: string): string {
  return name.length <= 64 ? name : (name.split('.')[0] ?? name).slice(0, 63)
}

/** Is its disk there: false once the machine or the whole lab is down. */
export function hasRoot(machine: MachinePlan): Promise<boolean> {
  return isThere(join(rootOf(machine), 'etc/passwd'))
}

/** Does it run from a card, and so has an /etc/hosts and a first boot of its own. */
export function hasCard(machine: MachinePlan): Promise<boolean> {
  return isThere(bootOf(machine))
}
