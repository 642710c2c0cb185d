import type { Device, ForbiddenAct, Gateway, LeastPrivilege } from '../../src/index.ts'
import { printListener } from '../../src/index.ts'
import { accountOn, dials, forwardsOn, jailed, listenerOf } from '../../src/tunnel/accounts.ts'
import { accountOf, jail, key, knownHosts } from '../../src/tunnel/names.ts'

/** What the key of this device must not be able to do on this gateway, beside devices that dial there, too. */
export function privilege(device: Device, gateway: Gateway, all: readonly Device[]): LeastPrivilege {
  const { address, port } = gateway.dial
  const own = listenerOf(gateway, device)
  return {
    ...{ on: gateway.name, address, port, account: accountOn(gateway, device), identityFile: key, knownHosts },
    attempts: attempts(device, gateway, all).map(({ refusedBy, ...attempt }) => ({
      ...attempt,
      refusedBy: refusedBy[own],
    })),
  }
}

type Refusals = Readonly<Record<'sshd' | 'socket', readonly string[]>>
type Wanted = Omit<ForbiddenAct, 'refusedBy'> & { readonly refusedBy: Refusals }

const by = (sshd: readonly string[], socket: readonly string[] = sshd): Refusals => ({ sshd, socket })
/**
 * With an account of its own a device sees one folder: what a session, a socket or a device file needs is outside of
 * it.
 */
const jailedBy = (...refusedBy: string[]) => by(refusedBy, [...refusedBy, 'ChrootDirectory'])
const inSession = (...more: string[]) => jailedBy('MaxSessions', 'ForceCommand', 'the shell nologin', ...more)
const outward = by(['AllowTcpForwarding', 'PermitOpen'])
const listening = (...more: string[]) => by(['permitlisten', ...more], ['PermitListen', ...more])
const folderRights = "the folder is one account's own"

function attempts(device: Device, gateway: Gateway, all: readonly Device[]): readonly Wanted[] {
  const { address, port } = gateway.dial
  const others = all.filter((other) => other !== device && dials(other, gateway))
  const [neighbour] = others
  const [itsPort] = neighbour ? forwardsOn(gateway, neighbour) : []
  const [inFolder] = jailed(others, gateway)
  const closed = forwardsOn(gateway, device).filter(({ expose }) => !expose)
  return [
    { name: 'shell', kind: 'shell', words: 'a shell', refusedBy: inSession() },
    { name: 'exec', kind: 'command', words: 'a command', refusedBy: inSession() },
    { name: 'sftp', kind: 'sftp', words: 'sftp', refusedBy: jailedBy('MaxSessions', 'ForceCommand') },
    { name: 'tty', kind: 'terminal', words: 'a terminal (-tt)', refusedBy: inSession('PermitTTY', 'restrict') },
    { name: 'agent', kind: 'agent', words: 'its agent (-A)', refusedBy: inSession('AllowAgentForwarding', 'restrict') },
    { name: 'x11', kind: 'x11', words: 'X11 (-X)', refusedBy: inSession('X11Forwarding', 'restrict') },
    {
      ...{ name: 'L-gateway', kind: 'connect', where: `127.0.0.1:${port}` },
      ...{ words: `-L to the gateway itself, 127.0.0.1:${port}`, refusedBy: outward },
    },
    {
      ...{ name: 'L-beyond', kind: 'connect', where: `${bracket(address)}:${port}` },
      ...{ words: `-L into its network, ${bracket(address)}:${port}`, refusedBy: outward },
    },
    {
      ...{ name: 'L-socket', kind: 'connect', where: systemSocket, words: `-L to a unix socket, ${systemSocket}` },
      refusedBy: jailedBy('AllowStreamLocalForwarding', 'AllowTcpForwarding', 'PermitOpen'),
    },
    { name: 'D', kind: 'socks', words: '-D', refusedBy: outward },
    {
      ...{ name: 'R-other', kind: 'listen', where: '127.0.0.1:0', words: '-R at a port that is not its own' },
      refusedBy: listening(),
    },
    ...(itsPort
      ? [
          {
            ...({ name: 'R-neighbour', kind: 'listen', where: printListener(itsPort) } as const),
            words: `-R at the port of ${itsPort.device}, ${printListener(itsPort)}`,
            refusedBy: listening(),
          },
        ]
      : []),
    {
      ...{ name: 'R-any', kind: 'listen_for_all', where: '0.0.0.0:0', words: '-R at 0.0.0.0' },
      refusedBy: listening('GatewayPorts'),
    },
    ...closed.map(({ port: own }) => ({
      ...({ name: 'R-published', kind: 'reached', where: String(own) } as const),
      words: `its own port ${own} for other machines`,
      refusedBy: by(['GatewayPorts'], ['its socket unit, which listens on loopback']),
    })),
    {
      ...{ name: 'R-/tmp', kind: 'listen', where: '/tmp', words: '-R at a unix socket in /tmp' },
      refusedBy: by(['AllowStreamLocalForwarding'], ['ChrootDirectory']),
    },
    ...(inFolder
      ? [
          {
            ...({ name: 'R-neighbour-socket', kind: 'listen' } as const),
            where: `${jail(accountOf(gateway, inFolder))}/s`,
            words: `-R at a unix socket of ${inFolder.name}`,
            refusedBy: by(['AllowStreamLocalForwarding', folderRights], ['ChrootDirectory', folderRights]),
          },
        ]
      : []),
    { name: 'tun', kind: 'tun', words: 'a network device (-w)', refusedBy: jailedBy('PermitTunnel') },
  ]
}

/** One that everybody may open, on every system that systemd runs. */
const systemSocket = '/run/systemd/journal/stdout'

const bracket = (address: string) => (address.includes(':') ? `[${address}]` : address)
