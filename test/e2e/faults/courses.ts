import * as faults from './faults.ts'
import type { Course } from './matrix.ts'
import * as surroundings from './surroundings.ts'

const processes = [
  faults.clientKilled,
  faults.sessionKilled,
  faults.sshdRestarted,
  faults.sshdAndSessionsRestarted,
  faults.clientFrozen,
  faults.sessionFrozen,
]
const power = [faults.gatewayPowerCut, faults.devicePowerCut, faults.devicePowerCutBehindNat, faults.newAddress]
const base = [surroundings.diskFull, surroundings.clockWrong, surroundings.etcReadOnly]

const courses = (listener: Course['listener'], all: Readonly<Record<string, Course['faults']>>) =>
  Object.entries(all).map(([name, faults]) => ({ name, listener, faults }))

/** What a full run is made of. No course takes much longer than the two minutes that some of the faults last. */
export const matrix: readonly Course[] = courses('sshd', {
  processes: [...processes],
  power: [...power, ...base],
  silence: [faults.silence, surroundings.portTaken],
  boot: [faults.gatewayAwayAtBoot],
  names: [faults.namesAwayAtBoot],
})
