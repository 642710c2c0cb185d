import { printForward, printListener, socketName } from '../inventory/forward.ts'
import type { Device, Forward, Gateway } from '../inventory/model.ts'
import { type Mark, marked } from '../resources/mark.ts'
import { known, type Late } from '../resources/resource.ts'
import type { Unit } from '../resources/systemd-units.ts'
import { versionOf } from '../resources/versions.ts'
import {
  autosshPoll,
  checkProgram,
  checkUnitName,
  controlSocket,
  dialler,
  digestOf,
  key,
  knownHosts,
  nameOnGateways,
  tunnelUnitName,
} from './names.ts'
import { checkEvery as check, type Timing } from './recovery.ts'

/** All forwards of a device on one gateway. */
export interface DeviceTunnel {
  readonly device: Device
  readonly gateway: Gateway
  readonly forwards: readonly Forward[]
  /** The account on the gateway that it logs in to. */
  readonly account: string
  readonly timing: Late<Timing>
  readonly mark: Mark
}

/** What keeps a tunnel open, and what looks at it from outside. */
export function tunnelUnits(tunnel: DeviceTunnel): Unit[] {
  const { device, gateway } = tunnel
  // A tunnel is not changed while its other end cannot be.
  const kept =
    (content: Late<string>): Late<string> =>
    (seen) =>
      seen.failed(gateway.name) ? undefined : known(content, seen)
  const content: Late<string> = (seen) => {
    const systemd = known(versionOf(device.name, 'systemd'), seen)
    const timing = known(tunnel.timing, seen)
    return systemd && timing && marked(tunnel.mark, tunnelUnit({ ...tunnel, timing }, systemd))
  }
  return [{ name: tunnelUnitName(gateway), content, wantedBy: 'multi-user.target' }, checkUnit(tunnel)].map((unit) => ({
    ...unit,
    content: kept(unit.content),
    host: gateway.name,
  }))
}

/**
 * systemd hands the key over (LoadCredential), so that not even the dialling account can read its file. It can since
 * 247 (Debian 11), where it would fail at a command that comes before ExecStart.
 */
export const credentialsSince = 247
export const hasCredentials = (systemd: string) => Number(systemd) >= credentialsSince

type Known = Omit<DeviceTunnel, 'timing'> & { readonly timing: Timing }

/**
 * The unit that keeps a device's forwards open on one gateway. `ssh -f` goes to the background only after every forward
 * is confirmed, so with Type=forking an active unit is an open tunnel, and a taken port or a silent gateway a failed
 * start. After a run that was healthy the next begins at once; EXIT_CODE tells that there was one (systemd.exec(5)).
 */
function tunnelUnit(tunnel: Known, systemd: string): string {
  const { device, gateway, timing } = tunnel
  const credential = hasCredentials(systemd)
  return `[Unit]
Description=Reverse tunnel of ${nameOnGateways(device)} to ${gateway.name}
# Not network-online.target, which comes minutes late where something waits in vain: who dials too early dials again.
After=network.target
# Never give up: a start limit turns an hour without network into a machine that is gone.
StartLimitIntervalSec=0

[Service]
${dial(tunnel, credential ? `\${CREDENTIALS_DIRECTORY}/key` : key).join('\n')}
ExecStopPost=/bin/sh -c 'test -n "$$EXIT_CODE" || sleep ${pause(nameOnGateways(device), timing.retry)}'
Restart=always
RestartSec=200ms
TimeoutStartSec=${timing.connectTimeout + 10}
User=${dialler}
${credential ? `LoadCredential=key:${key}\n` : ''}RuntimeDirectory=reverse-tunnel
RuntimeDirectoryPreserve=yes
${sandbox}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
`
}

/** What looks at the client from outside: systemd takes one that is frozen, or whose address is gone, for healthy. */
function checkUnit({ gateway, mark }: DeviceTunnel): Unit {
  const unit = tunnelUnitName(gateway)
  const text = `[Unit]
Description=Is ${unit} alive, every ${check} s
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${checkProgram} ${unit} ${controlSocket(gateway)} ${gateway.dial.port} ${check}
Restart=always
RestartSec=${check}
User=${dialler}
${sandbox}
# ip(8) drops its capabilities first of all, also those that it does not have.
SystemCallFilter=capset
RestrictAddressFamilies=AF_UNIX AF_NETLINK
# It has the account of the tunnel, to which systemd shows the key.
InaccessiblePaths=-/run/credentials

[Install]
WantedBy=multi-user.target
`
  return { name: checkUnitName(gateway), content: marked(mark, text), wantedBy: 'multi-user.target' }
}

function dial(tunnel: Known, identity: string): string[] {
  if (tunnel.device.supervisor === 'systemd')
    return ['Type=forking', `ExecStart=/usr/bin/ssh -f -N ${options(tunnel, identity)}`]
  // autossh says that it is active before it is: the forward's own proof is what counts. Its back-off stays short.
  return [
    'Type=exec',
    `Environment=AUTOSSH_GATETIME=0 AUTOSSH_POLL=${autosshPoll} AUTOSSH_FIRST_POLL=${autosshPoll}`,
    `ExecStart=/usr/bin/autossh -M 0 -N ${options(tunnel, identity)}`,
  ]
}

function options({ gateway, forwards, account, timing }: Known, identity: string): string {
  const settings = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityFile: identity,
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    CheckHostIP: 'no',
    StrictHostKeyChecking: 'yes',
    HostKeyAlias: gateway.name,
    ExitOnForwardFailure: 'yes',
    // What a client that was killed has left is taken away; with "yes" it would be in the way.
    ControlMaster: 'auto',
    ControlPath: controlSocket(gateway),
    ConnectTimeout: timing.connectTimeout,
    ServerAliveInterval: timing.interval,
    ServerAliveCountMax: timing.countMax,
  }
  return [
    '-F none -T',
    ...Object.entries(settings).map(([name, value]) => `-o ${name}=${value}`),
    ...forwards.map((forward) => `-R ${remote(forward)}`),
    `-p ${gateway.dial.port} -l ${account} ${gateway.dial.address}`,
  ].join(' \\\n  ')
}

/** Where systemd owns the port, the device offers a unix socket in the only folder that its account sees. */
function remote(forward: Forward): string {
  if (forward.listener === 'sshd') return printForward(forward)
  return `/s/${socketName(forward)}${printForward(forward).slice(printListener(forward).length)}`
}

/**
 * Up to `most` seconds, the same for a device every time: after the gateway was away, not all dial in the same moment.
 */
function pause(name: string, most: number): string {
  const share = (digestOf(name) % 100) / 100
  return (most * (0.5 + share / 2)).toFixed(2)
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
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077`
