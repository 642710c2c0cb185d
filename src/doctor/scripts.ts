import { isOwnSshd } from '../inventory/forward.ts'
import { nameOnGateways } from '../inventory/model.ts'
import { program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import deviceProgram from './device.sh'
import directivesProgram from './directives.sh'
import factsProgram from './facts.sh'
import gatewayProgram from './gateway.sh'
import type { TunnelParts } from './tunnel.ts'

/** One exec on the gateway, as root, that prints what it knows of this tunnel, and changes nothing. */
export function gatewayScript({
  account,
  keyFile,
  device,
  gateway,
  listener,
  jail,
  forwards,
  socketUnit,
}: TunnelParts): string {
  const ports = forwards.flatMap((forward) => [forward.port, socketUnit(forward)])
  const words = [
    account,
    keyFile,
    nameOnGateways(device),
    gateway.dial.port,
    listener === 'socket' ? jail : '-',
    ...ports,
  ]
  return whole(lines(sh`set -- ${words}`, program(factsProgram), program(directivesProgram), program(gatewayProgram)))
}

/** The same on the device. It tries to log in to the gateway once, beside the tunnel, unless it has just done so. */
export function deviceScript(tunnel: TunnelParts, { tries = true } = {}): string {
  const { device, gateway, account, key, knownHosts, unit, checkUnit, controlSocket } = tunnel
  const { address, port } = gateway.dial
  const targets = tunnel.forwards.filter((forward) => isOwnSshd(device, forward))
  const words = [
    address,
    port,
    gateway.name,
    account,
    key,
    knownHosts,
    unit,
    checkUnit,
    controlSocket,
    tries ? 'yes' : 'no',
  ]
  const ends = new Map(targets.map(({ host, hostPort }) => [hostPort, host]))
  const pairs = [...ends].flatMap(([hostPort, host]) => [host, hostPort])
  return whole(
    lines(
      sh`set -- ${[...words, ...pairs]}`,
      program(factsProgram),
      program(directivesProgram),
      program(deviceProgram),
    ),
  )
}
