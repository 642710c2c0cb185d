import * as faults from './faults.ts'
import type { Course } from './matrix.ts'
import type { Listener } from './pair.ts'
import * as surroundings from './surroundings.ts'

const killed = [faults.clientKilled, faults.sessionKilled, faults.sshdRestarted, faults.sshdAndSessionsRestarted]
const power = [faults.gatewayPowerCut, faults.devicePowerCut, faults.devicePowerCutBehindNat]
const base = [surroundings.diskFull, surroundings.clockWrong, surroundings.etcReadOnly]
const lost = [faults.newAddress, faults.flowForgotten]

const courses = (listener: Listener, all: Readonly<Record<string, Course['faults']>>) =>
  Object.entries(all).map(([name, faults]) => ({ name, listener, faults }))

/**
 * Every fault once. What is measured in tenths of a second comes late, when the machines of the other courses have booted.
 * No course takes much longer than the two minutes that some of its faults last.
 */
export const whole = (listener: Listener): readonly Course[] =>
  courses(listener, {
    events: [...power, ...base, ...killed, faults.clientFrozen, faults.sessionFrozen, ...lost],
    silence: [faults.silence, surroundings.portTaken],
    boot: [faults.gatewayAwayAtBoot],
    names: [faults.namesAwayAtBoot],
  })

/**
 * The faults that the promise is made of, with the usual settings and with such as a wish has derived. A frozen session of
 * sshd keeps its port for ever: nothing is promised there.
 */
export const promised = (listener: Listener): readonly Course[] => [
  ...courses(listener, { events: [...power, ...killed, faults.clientFrozen, ...lost] }),
  {
    name: 'hurry',
    listener,
    recoverWithin: 15,
    faults: [faults.devicePowerCutBehindNat, faults.silence, surroundings.portTaken],
  },
]
