import type { Device, Gateway, Inventory } from '../../inventory/model.ts'
import type { HostKey } from '../../ssh/host-keys/pins.ts'
import type { RunArguments, WorkArguments } from '../shared/options.ts'
import type { Spare } from './spare.ts'

export type RestoreArguments = WorkArguments & {
  inventory: string
  gateway: string
  playbook?: string
  yes: boolean
  wait: number
  /** Asked for once, for all logins. */
  sudoPassword?: string
}

/** A gateway that is brought back. */
export interface Restoration {
  readonly argv: RestoreArguments
  readonly inventory: Inventory
  readonly gateway: Gateway
  /** What becomes its host key, and what it shows now; absent: devices trust the one that it has. */
  readonly change?: { readonly spare: Spare; readonly shown: HostKey }
  readonly say: (text: string) => void
}

/** The words of a run like any other. */
export const ordinary = ({ argv }: Restoration): RunArguments => ({
  ...argv,
  limit: undefined,
  playbook: argv.playbook,
})

export const devicesBehind = ({ inventory, gateway }: Restoration): readonly Device[] =>
  inventory.devices.filter(({ forwards }) => forwards.some((forward) => forward.gateway === gateway.name))
