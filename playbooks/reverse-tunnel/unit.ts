import type { Device, Forward, Gateway } from '../../src/index.ts'
import { printForward } from '../../src/index.ts'

interface Tunnel {
  readonly device: Device
  readonly gateway: Gateway
  readonly forwards: readonly Forward[]
  /** The unprivileged account that dials. */
  readonly dialler: string
  readonly key: string
  readonly knownHosts: string
}

/**
 * The unit that keeps a device's forwards open on one gateway. `ssh -f` goes to the background only after every forward
 * is confirmed, so with Type=forking an active unit is an open tunnel, and a taken port or a silent gateway a failed start.
 */
export function tunnelUnit(tunnel: Tunnel): string {
  const { device, gateway, dialler } = tunnel
  const dial = tunnel.device.supervisor === 'autossh' ? autossh(tunnel) : ssh(tunnel)
  return `[Unit]
Description=Reverse tunnel of ${device.name} to ${gateway.name}
Wants=network-online.target
After=network-online.target
# Never give up: a start limit turns an hour without network into a machine that is gone.
StartLimitIntervalSec=0

[Service]
${dial.join('\n')}
Restart=always
RestartSec=${restartDelay(device.name)}
TimeoutStartSec=45
User=${dialler}
${sandbox}

[Install]
WantedBy=multi-user.target
`
}

function ssh(tunnel: Tunnel): string[] {
  return ['Type=forking', `ExecStart=/usr/bin/ssh -f -N ${options(tunnel)}`]
}

/** autossh says that it is active before it is: the forward's own proof is what counts. Its back-off stays under 15 s. */
function autossh(tunnel: Tunnel): string[] {
  return [
    'Type=exec',
    'Environment=AUTOSSH_GATETIME=0 AUTOSSH_POLL=15 AUTOSSH_FIRST_POLL=15',
    `ExecStart=/usr/bin/autossh -M 0 -N ${options(tunnel)}`,
  ]
}

function options({ gateway, forwards, key, knownHosts }: Tunnel): string {
  const settings = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityFile: key,
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    HostKeyAlias: gateway.name,
    ExitOnForwardFailure: 'yes',
    ConnectTimeout: 10,
    ServerAliveInterval: 15,
    ServerAliveCountMax: 3,
  }
  return [
    '-F none -T',
    ...Object.entries(settings).map(([name, value]) => `-o ${name}=${value}`),
    ...forwards.map((forward) => `-R ${printForward(forward)}`),
    `-p ${gateway.dial.port} -l ${gateway.tunnelAccount} ${gateway.dial.address}`,
  ].join(' \\\n  ')
}

/** 5 to 9 s, the same for a device every time: after the gateway was away, not all of them dial in the same second. */
function restartDelay(name: string): number {
  return 5 + ([...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, 7) % 5)
}

/** It needs the network, its key and nothing else. */
const sandbox = `NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077`
