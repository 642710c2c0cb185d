import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { local } from './local.ts'

/** Program → the Debian package that brings it. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  flock: 'util-linux',
  bash: 'bash',
  sysctl: 'procps',
  'ssh-keygen': 'openssh-client',
} as const

/** What the lab still lacks here, as Debian packages. */
export async function missingPackages(needed: Programs = programs): Promise<readonly string[]> {
  const missing = new Set<string>()
  for (const [program, name] of Object.entries(needed)) if (!(await isThere(program))) missing.add(name)
  return [...missing]
}

type Programs = Readonly<Record<string, string>>

/** Root on Linux with the programs that the lab uses; on Debian missing programs are installed. */
export async function requirements(
  progress: (message: string) => void,
  signal?: AbortSignal,
  needed: Programs = programs,
): Promise<void> {
  if (process.platform !== 'linux')
    throw new ProvisionError(
      'lab: needs Linux, where systemd-nspawn runs',
      'run it in a Linux virtual machine, as root',
    )
  const missing = await missingPackages(needed)
  if (process.getuid?.() !== 0) {
    const also = missing.length ? `, after: apt-get install ${missing.join(' ')}` : ''
    throw new ProvisionError('lab: needs root, to boot machines and make networks', `run it again with sudo${also}`)
  }
  if (missing.length === 0) return
  if (!(await isThere('apt-get')))
    throw new ProvisionError(
      `lab: needs ${missing.join(', ')}`,
      'install these with the package manager of this machine',
    )
  progress(`installing ${missing.join(', ')}`)
  const options = signal ? { signal } : {}
  // mmdebstrap names what it needs as recommendations; an emulator recommends a desktop.
  const without = needed === programs ? [] : ['--no-install-recommends']
  await local(['apt-get', 'update', '-qq'], options)
  await local(
    ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-qq', ...without, ...missing],
    options,
  )
}

async function isThere(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}
