/** What a playbook may import. */

export { overlap } from './inventory/addresses.ts'
export { isForwardRoute, printForward, printListener, reachedOn, socketName } from './inventory/forward.ts'
export type { Account, Client, Device, Enrolment, Forward, Gateway, Host, Inventory } from './inventory/model.ts'
export { nameOnGateways } from './inventory/model.ts'
export {
  type ObservedKeys,
  on,
  onTrial,
  type Playbook,
  playbook,
  prove,
  proveFirst,
  type Step,
  tell,
  tellOthers,
  verify,
} from './playbook/playbook.ts'
export * from './resources/index.ts'
export type {
  Change,
  ForbiddenAct,
  Late,
  LeastPrivilege,
  Observed,
  Proof,
  Refused,
  Resource,
  Seen,
  Trial,
} from './resources/resource.ts'
export { known, lookedAt } from './resources/resource.ts'
export { lines, type Sh, sh } from './shell/sh.ts'
export {
  type HeldForward,
  inspectHeldForwards,
  parseHeldForwards,
  parseListener,
  whoseKey,
} from './tunnel/held-forwards.ts'
export type { Carrier, Recovery } from './tunnel/recovery.ts'
