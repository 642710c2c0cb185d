import { managedFile, on, playbook } from 'provision'
import holding from './holding.ts'

/** A second step after the one that can be held. */
export default playbook((inventory) => [
  holding(inventory),
  on(inventory.devices, () => [managedFile('/etc/e2e-second-step', { content: 'new\n' })]),
])
