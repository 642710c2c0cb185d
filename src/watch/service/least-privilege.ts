import type { Gateway } from '../../inventory/model.ts'
import type { ForbiddenAct, LeastPrivilege } from '../../resources/resource.ts'
import { lookAccount } from '../../tunnel/names.ts'

export interface WatcherKey {
  readonly gateway: Gateway
  readonly id: string
  /** Where this machine reaches the gateway's sshd. */
  readonly address: string
  readonly port: number
  readonly identityFile: string
  readonly knownHosts: string
}

/** What a watcher's key must not be able to do on a gateway. */
export function watcherPrivilege({ gateway, id, ...login }: WatcherKey): LeastPrivilege {
  return { ...login, on: gateway.name, account: lookAccount(id), attempts: attempts(login.port) }
}

const inSession = ['MaxSessions', 'ForceCommand', 'the shell nologin', 'ChrootDirectory']
const elsewhere = ['PermitOpen']
const listening = ['AllowTcpForwarding', 'PermitListen']
/** One that everybody may open, on every system that systemd runs. */
const systemSocket = '/run/systemd/journal/stdout'

const attempts = (port: number): ForbiddenAct[] => [
  { name: 'shell', kind: 'shell', words: 'a shell', refusedBy: inSession },
  { name: 'exec', kind: 'command', words: 'a command', refusedBy: inSession },
  { name: 'sftp', kind: 'sftp', words: 'sftp', refusedBy: inSession },
  { name: 'tty', kind: 'terminal', words: 'a terminal (-tt)', refusedBy: ['PermitTTY', 'restrict', ...inSession] },
  {
    name: 'agent',
    kind: 'agent',
    words: 'its agent (-A)',
    refusedBy: ['AllowAgentForwarding', 'restrict', ...inSession],
  },
  { name: 'x11', kind: 'x11', words: 'X11 (-X)', refusedBy: ['X11Forwarding', 'restrict', ...inSession] },
  {
    ...{ name: 'L-gateway', kind: 'connect', where: `127.0.0.1:${port}` },
    ...{ words: `-L to the gateway itself, 127.0.0.1:${port}`, refusedBy: elsewhere },
  },
  {
    ...{ name: 'L-beyond', kind: 'connect', where: '192.0.2.1:22' },
    ...{ words: '-L beyond the gateway, 192.0.2.1:22', refusedBy: elsewhere },
  },
  {
    ...{ name: 'L-socket', kind: 'connect', where: systemSocket },
    ...{ words: `-L to a unix socket, ${systemSocket}`, refusedBy: ['ChrootDirectory'] },
  },
  { name: 'D', kind: 'socks', words: '-D', refusedBy: elsewhere },
  { name: 'R-other', kind: 'listen', where: '127.0.0.1:0', words: '-R at a port', refusedBy: listening },
  { name: 'R-any', kind: 'listen_for_all', where: '0.0.0.0:0', words: '-R at 0.0.0.0', refusedBy: listening },
  {
    ...{ name: 'R-/tmp', kind: 'listen', where: '/tmp', words: '-R at a unix socket in /tmp' },
    refusedBy: ['AllowStreamLocalForwarding', 'ChrootDirectory'],
  },
  { name: 'tun', kind: 'tun', words: 'a network device (-w)', refusedBy: ['PermitTunnel', ...inSession] },
]
