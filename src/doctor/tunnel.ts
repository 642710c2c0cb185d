import { socketName } from '../inventory/forward.ts'
import type { Device, Forward, Gateway } from '../inventory/model.ts'
import { accountOn, dials, forwardsOn, listenerOf } from '../tunnel/accounts.ts'
import {
  checkUnitName,
  controlSocket,
  jail,
  key,
  keysFolder,
  knownHosts,
  sharedKeys,
  tunnelUnitName,
  unitPrefix,
} from '../tunnel/names.ts'

/** One device's tunnel to one gateway, and the names of all that it is made of on both machines. */
export interface TunnelParts {
  readonly device: Device
  readonly gateway: Gateway
  /** Those of the device on this gateway, one at least. */
  readonly forwards: readonly Forward[]
  readonly listener: Forward['listener']
  /** On the gateway: the account, what it may do, and the folder that its sessions are shut up in. */
  readonly account: string
  readonly keyFile: string
  readonly jail: string
  readonly socketUnit: (forward: Forward) => string
  /** On the device. */
  readonly key: string
  readonly knownHosts: string
  readonly unit: string
  readonly checkUnit: string
  readonly controlSocket: string
}

/** The tunnels of a device, one to each gateway that it dials. */
export function tunnelPartsOf(device: Device, gateways: readonly Gateway[]): TunnelParts[] {
  return gateways
    .filter((gateway) => dials(device, gateway))
    .map((gateway) => {
      const account = accountOn(gateway, device)
      const listener = listenerOf(gateway, device)
      return {
        ...{ device, gateway, listener, account, key, knownHosts },
        forwards: forwardsOn(gateway, device),
        keyFile: listener === 'sshd' ? sharedKeys : `${keysFolder}/${account}`,
        jail: jail(account),
        socketUnit: (forward) => `${unitPrefix}${socketName(forward)}.socket`,
        unit: tunnelUnitName(gateway),
        checkUnit: checkUnitName(gateway),
        controlSocket: controlSocket(gateway),
      }
    })
}
