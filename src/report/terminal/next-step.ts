import { clean } from '../inert.ts'
import type { ForwardReport, Report } from '../report.ts'

export interface Situation {
  /** Where a `--check` has written its plan. */
  readonly planFile?: string | undefined
  /** The ssh_config of whoever runs this knows the devices already. */
  readonly knowsDevices: boolean
  /** Commands find this inventory without being told. */
  readonly isDefault: boolean
}

/** What to do after a run, in a sentence; undefined: nothing that the report does not say. */
export function nextStep(report: Report, situation: Situation): string | undefined {
  const { exitCode, inventory } = report
  const next =
    exitCode === 130 ? 'run the same again: what is done already is not done twice' : after(report, situation)
  return next && clean(next.replaceAll(' INVENTORY', situation.isDefault ? '' : ` ${inventory}`))
}

function after(report: Report, { planFile, knowsDevices }: Situation): string | undefined {
  const { command, hosts, forwards, exitCode } = report
  const isDown = forwards.find(({ state }) => state !== 'ok')
  if (isDown) return `provision doctor INVENTORY --device ${isDown.device} finds out why`
  const differs = exitCode === 4
  switch (command) {
    case 'check':
      if (differs) return planFile ? `provision apply ${planFile}` : 'provision apply INVENTORY does it'
      return exitCode === 0 ? 'provision verify INVENTORY proves every forward' : undefined
    case 'undo-check':
      return differs ? 'provision undo INVENTORY does it' : undefined
    case 'undo':
      return exitCode === 0 ? 'provision plan INVENTORY shows what differs from the inventory now' : undefined
    case 'verify':
      return differs ? 'provision plan INVENTORY shows what would put it right' : login(forwards, knowsDevices)
    case 'apply':
      return exitCode === 0 ? login(forwards, knowsDevices) : again(hosts)
    case 'drill':
      return undefined
  }
}

function login(forwards: readonly ForwardReport[], knowsDevices: boolean): string | undefined {
  const devices = [...new Set(forwards.map(({ device }) => device))]
  const [first] = devices
  if (first === undefined) return undefined
  const command = `ssh ${first}${devices.length > 1 ? `, or any other of ${devices.length} devices` : ''}`
  if (knowsDevices) return `people log in with: ${command}`
  return `provision ssh-config INVENTORY --write; then people log in with: ${command}`
}

/** Where a host has failed its reason stands in the report. */
const again = (hosts: Report['hosts']) =>
  hosts.some(({ error }) => error !== undefined)
    ? 'see what the hosts say above, then run provision apply INVENTORY again'
    : undefined
