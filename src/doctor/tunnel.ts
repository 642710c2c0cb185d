import type { Device, Forward, Gateway } from '../inventory/model.ts'

/** One device's tunnel to one gateway, and the names of all that it is made of on both machines. */
export interface Tunnel {
  readonly device: Device
  readonly gateway: Gateway
  /** Those of the device on this gateway, one at least. */
  readonly forwards: readonly Forward[]
  readonly listener: Forward['listener']
  /** On the gateway: the account, what it may do, and the folder that its sessions are shut up in. */
  readonly account: string
  readonly keyFile: string
  readonly jail: string
  /** What makes that folder anew after a boot. */
  readonly jailFile: string
  readonly socketUnit: (forward: Forward) => string
  /** On the device. */
  readonly key: string
  readonly knownHosts: string
  readonly unit: string
  readonly checkUnit: string
  readonly controlSocket: string
}
