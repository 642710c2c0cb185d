/** What a playbook may import. */

export { printForward, printListener, socketName } from './inventory/forward.ts'
export type { Account, Client, Device, Enrolment, Forward, Gateway, Host, Inventory } from './inventory/model.ts'
export {
  type Carrier,
  type ObservedKeys,
  on,
  type Playbook,
  playbook,
  prove,
  type Step,
  tell,
  verify,
} from './playbook.ts'
export { checkEvery, deriveTiming, leastTiming, type Recovery, recovery, type Timing } from './recovery.ts'
export type { Attempt, Change, Late, LeastPrivilege, Observed, Proof, Refused, Resource, Seen } from './resource.ts'
export { known, lookedAt } from './resource.ts'
export * from './resources/index.ts'
export { lines, type Sh, sh } from './sh.ts'
