import * as faults from './faults.ts'
import type { Course } from './matrix.ts'
import type { Listener } from './pair.ts'
import * as surroundings from './surroundings.ts'

const killed = [faults.clientKilled, faults.sessionKilled, faults.sshdRestarted, faults.sshdAndSessionsRestarted]
const power = [faults.gatewayPowerCut, faults.devicePowerCut, faults.devicePowerCutBehindNat]
const base = [surroundings.diskFull, surroundings.clockWrong, surroundings.etcReadOnly]

const courses = (listener: Listener, all: Readonly<Record<string, Course['faults']>>) =>
  Object.entries(all).map(([name, faults]) => ({ name, listener, faults }))

/** Every fault once. No course takes much longer than the two minutes that some of its faults last. */
export const whole = (listener: Listener): readonly Course[] =>
  courses(listener, {
    processes: [...killed, faults.clientFrozen, faults.sessionFrozen, faults.newAddress, faults.flowForgotten],
    power: [...power, ...base],
    silence: [faults.silence, surroundings.portTaken],
    boot: [faults.gatewayAwayAtBoot],
    names: [faults.namesAwayAtBoot],
  })

/** The faults that the promise is made of. A frozen session of sshd keeps its port for ever: nothing is promised there. */
export const promised = (listener: Listener): readonly Course[] =>
  courses(listener, {
    processes: [...killed, faults.clientFrozen, faults.newAddress],
    power: [...power, surroundings.portTaken],
    silence: [faults.silence],
  })
