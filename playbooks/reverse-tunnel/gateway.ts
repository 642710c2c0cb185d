import type { Gateway, Setting } from '../../src/index.ts'

/**
 * What a device's key may do on the gateway: listen on its own ports. Each line closes something that stays open without
 * it; the key's own `permitlisten` says which ports. A dead session is noticed after about (3 + 1) × 15 s, twice that up
 * to OpenSSH 9.4.
 */
export function tunnelSettings(gateway: Gateway, exposed: boolean) {
  const settings: Setting[] = [
    ['AuthenticationMethods', 'publickey'],
    ['AuthorizedKeysFile', '/etc/ssh/reverse-tunnel/authorized_keys'],
    ['AllowTcpForwarding', 'remote'],
    ['AllowStreamLocalForwarding', 'no'],
    ['AllowAgentForwarding', 'no'],
    ['X11Forwarding', 'no'],
    ['PermitTunnel', 'no'],
    ['PermitOpen', 'none'],
    ['PermitTTY', 'no'],
    ['PermitUserRC', 'no'],
    ['ForceCommand', '/usr/sbin/nologin'],
    ['MaxSessions', '0'],
    ['GatewayPorts', exposed ? 'clientspecified' : 'no'],
    ['ClientAliveInterval', '15'],
    ['ClientAliveCountMax', '3'],
    // A listening forward is no open channel: this timeout would end every idle tunnel.
    ['UnusedConnectionTimeout', 'none', '9.2'],
  ]
  return { match: `User ${gateway.tunnelAccount}`, user: gateway.tunnelAccount, settings }
}
