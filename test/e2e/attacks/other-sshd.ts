import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../../src/lab/index.ts'
import { folderRights, noPassword, oneAccount, option, type Protection, shell } from './matrix.ts'

/** What an administrator may have written, before our lines and after them; what holds if ours are not there. */
const hostile = `GatewayPorts yes
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
AllowAgentForwarding yes
PermitTunnel yes
PermitOpen any
PermitListen any
PermitTTY yes
PermitUserRC yes
PermitRootLogin yes
PasswordAuthentication yes
AcceptEnv *
X11Forwarding yes
MaxSessions 100
AuthorizedKeysFile .ssh/authorized_keys
`
/** What a Match block may not hold. */
const hostileAsWell = `PermitUserEnvironment yes
XAuthLocation /bin/true
Subsystem sftp internal-sftp
`
const dropIns = ['00-reverse-tunnel', '00-reverse-tunnel-shared'].map((name) => `/etc/ssh/sshd_config.d/${name}.conf`)
/** crypt(3) of `stolen`. */
const password = '$6$attack$ni0xBK4ek45wPNWDg7X.8yq5stDhYjUszvxyPm74GNdHoj.RtzvC.V1LweZivpy.M2LwDSpDprJ9vINAz0y.i1'
const folder = '/var/attack'

export interface OtherSshd {
  readonly name: string
  readonly port: number
  /** Is this protection left in place. */
  readonly keeps: (protection: Protection) => boolean
  /** The folder that another device's account alone may write. */
  readonly neighbourFolder: string
}

/** The Match blocks of the accounts that tunnels log in to, as shipped. */
export async function shipped(gateway: Machine) {
  const text = (await Promise.all(dropIns.map((path) => readFile(join(gateway.root, path), 'utf8')))).join('')
  const lines = text.split('\n').map((line) => line.trim())
  return {
    text,
    keywords: new Set(lines.flatMap((line) => (/^(Match|#|$)/.test(line) ? [] : (line.split(' ')[0] ?? [])))),
  }
}

/**
 * A second sshd on the gateway, on a port of its own, with the gateway's own files but for what is said here. The shipped
 * one stays as it is. Its files are bound over /etc/… for it and its sessions alone.
 */
export async function startOtherSshd(
  gateway: Machine,
  accounts: readonly string[],
  { name, port, keeps, neighbourFolder }: OtherSshd,
): Promise<void> {
  const at = (path: string) => join(gateway.root, folder, name, path)
  const of = (path: string) => join(gateway.root, path)
  const edit = async (path: string, to: string, change: (line: string) => string | undefined) => {
    const lines = (await readFile(of(path), 'utf8')).split('\n')
    await writeFile(at(to), lines.flatMap((line) => change(line) ?? []).join('\n'))
  }
  await mkdir(at('.'), { recursive: true })
  await cp(of('etc/ssh'), at('ssh'), { recursive: true, filter: (path) => !path.endsWith('moduli') })

  for (const path of dropIns)
    await edit(path, path.replace('/etc/', ''), (line) => {
      const keyword = line.trim().split(' ')[0] ?? ''
      return keyword === 'Match' || keeps(keyword) ? line : undefined
    })
  await edit('etc/ssh/sshd_config', 'ssh/sshd_config', (line) => (line.startsWith('Subsystem') ? undefined : line))
  const own = await readFile(at('ssh/sshd_config'), 'utf8')
  await writeFile(at('ssh/sshd_config'), `${hostile}${hostileAsWell}${own}Match all\n${hostile}`)
  for (const path of await keyFiles(gateway)) {
    await edit(path, path.replace('/etc/', ''), (line) => withOptions(line, keeps))
  }
  const mine = (line: string) => accounts.includes(line.split(':')[0] ?? '')
  await edit('etc/passwd', 'passwd', (line) => {
    if (!mine(line)) return line
    const words = line.split(':')
    words[5] = `${folder}/home/${words[0]}`
    if (!keeps(shell)) words[6] = '/bin/bash'
    return words.join(':')
  })
  await edit('etc/shadow', 'shadow', (line) => {
    if (!mine(line) || keeps(noPassword)) return line
    const words = line.split(':')
    words[1] = password
    return words.join(':')
  })
  if (!keeps(oneAccount)) {
    const path = `/home/${gateway.user}/.ssh/authorized_keys`
    const stolen = await readFile(join(gateway.root, folder, 'stolen.pub'), 'utf8')
    await writeFile(at('keys-of-other'), (await readFile(of(path), 'utf8')) + stolen)
    await writeFile(at('other'), path)
  }
  if (!keeps(folderRights)) await writeFile(at('neighbour'), neighbourFolder)
  const penalties = gateway.suite === 'trixie' ? ['-o', 'PerSourcePenalties=no'] : []
  const { code, stderr } = await gateway.exec([
    ...['sh', `${folder}/gateway.sh`, 'other_sshd', name, String(port)],
    ...penalties,
  ])
  if (code !== 0) throw new Error(`${gateway.name}: sshd ${name}: ${stderr}`)
}

/** Where sshd looks for the keys of all these accounts. */
export async function keyFiles(gateway: Machine): Promise<readonly string[]> {
  const { text } = await shipped(gateway)
  const blocks = text.split(/^Match User /m).slice(1)
  return blocks.flatMap((block) => {
    const path = /AuthorizedKeysFile (\S+)/.exec(block)?.[1] ?? ''
    return (block.split('\n')[0] ?? '').split(',').map((account) => path.replace('%u', account))
  })
}

function withOptions(line: string, keeps: OtherSshd['keeps']): string {
  const at = line.indexOf('ssh-')
  if (at <= 0) return line
  const options = line.slice(0, at).trim().split(',')
  const kept = options.filter((word) =>
    word.startsWith('permitlisten') ? keeps(option.listen) : word === 'port-forwarding' || keeps(option.restrict),
  )
  return [kept.join(','), line.slice(at)].join(' ')
}
