import {
  type EnrolmentRequest,
  type ExpectedCard,
  expectedCards,
  forgetCard,
  parseEnrolmentRequest,
  pinCard,
} from '../enrolment/expected-cards.ts'
import { type EnrolmentLog, explainEnrolment, readEnrolmentLog } from '../enrolment/gateway-log.ts'
import { ProvisionError } from '../errors.ts'
import { type Device, type Gateway, nameOnGateways } from '../inventory/model.ts'
import { withLocalTimes } from '../report/local-time.ts'
import type { ForwardReport } from '../report/report.ts'
import { fingerprintOf, hostKeyText } from '../ssh/host-keys/pins.ts'
import { type Run, withGateway } from './context.ts'

/** Devices that come back with a fresh card: known again by what they have handed in at their gateway. */
export interface Readmission {
  /**
   * Pins the new host keys of those that have come back since, and names them. Costs nothing where no card is waited
   * for.
   */
  readmitReturned(): Promise<readonly string[]>
  /** Of forwards that do not reach a device whose card is waited for: with what its gateway has seen of that. */
  withEnrolmentHints(reports: readonly ForwardReport[]): Promise<ForwardReport[]>
}

/** What somebody with the card of a device has handed in at one of its gateways. */
export interface Claim extends EnrolmentRequest {
  readonly gateway: string
  readonly other?: EnrolmentLog['other']
}

/**
 * Why nobody can tell whether it was the device. `proved`: the host key by which the device was reached in this run.
 */
export function doubtOf(claims: readonly Claim[], proved: string | undefined): string | undefined {
  const nobody = 'so that nobody can tell which one is the device'
  for (const { gateway, other } of claims) {
    if (!other) continue
    const when = `${other.at.toISOString()} at ${gateway} from ${other.from}`
    return `the same card was tried again ${when} with other keys, ${nobody}`
  }
  if (new Set(claims.map(({ message }) => message)).size > 1) {
    const gateways = claims.map(({ gateway }) => gateway).join(' and ')
    return `the same card has handed in other keys at each of ${gateways}, ${nobody}`
  }
  const known = claims[0]?.hostKeys.some((key) => hostKeyText(key) === proved)
  return proved && !known ? 'the machine that is pinned still answers, so another one has used its card' : undefined
}

export function readmit(run: Run): Readmission {
  const { inventory, context } = run
  const { members } = run.fleet
  const { pins } = context.wire
  const told = new Set<string>()
  const once = (text: string) => {
    if (!told.has(text)) run.progress.note(withLocalTimes(text))
    told.add(text)
  }
  const awaited = async () =>
    (await expectedCards(pins)).flatMap((card) => {
      const device = inventory.devices.find((one) => nameOnGateways(one) === card.device)
      return device && run.limit(device.name) ? [{ card, device }] : []
    })
  return {
    async readmitReturned() {
      const found: string[] = []
      for (const { card, device } of await awaited()) if (await welcome(device, card)) found.push(device.name)
      return found
    },
    async withEnrolmentHints(reports) {
      const cards = await awaited()
      return Promise.all(
        reports.map(async (report) => {
          const device = cards.find(({ device: { name } }) => name === report.device)?.device
          const gateway = inventory.gateways.find(({ name }) => name === report.gateway)
          if (!device || !gateway || report.state === 'ok') return report
          const log = await ask(gateway, device)
          if (!log) return report
          const { message, hint } = explainEnrolment(gateway, log)
          return { ...report, error: { message: [report.error?.message, message].filter(Boolean).join('; '), hint } }
        }),
      )
    },
  }

  async function welcome(device: Device, card: ExpectedCard): Promise<boolean> {
    const gateways = inventory.gateways.filter(({ name }) => device.forwards.some(({ gateway }) => gateway === name))
    const asked = await Promise.all(gateways.map(async (gateway) => ({ gateway, log: await ask(gateway, device) })))
    const claims = asked.flatMap(({ gateway: { name: gateway }, log }): Claim[] => {
      const found = log && parseEnrolmentRequest(log.record, card)
      return found ? [{ ...found, gateway, other: log.other }] : []
    })
    const [first] = claims
    if (!first) {
      const over = asked.every(({ log }) => log && !log.card)
      if (over && run.command === 'apply') await forgetCard(pins, card.device)
      return false
    }
    const keys = first.hostKeys.map((key) => `${key.type} ${fingerprintOf(key)}`).join(', ')
    const story = `${device.name}: came back with a fresh card, enrolled at ${first.gateway} ${first.at.toISOString()}`
    const doubt = doubtOf(claims, members.get(device.name)?.session?.hostKey)
    if (doubt) {
      once(`${story}; but ${doubt}: its pin stays`)
      return false
    }
    if ((await pins.for(device)).from === 'inventory') {
      once(`${story}; its pin stands in the inventory: write its new keys there: ${keys}`)
      return false
    }
    const trusts = await pins.trusted(device)
    const same = first.hostKeys.some((key) => trusts(hostKeyText(key)))
    await pinCard(pins, device, first.hostKeys)
    once(`${story}; ${same ? 'it has kept its host key, and pinned is' : 'its pin was replaced by'} ${keys}`)
    return true
  }

  /** Undefined where the gateway cannot be asked. */
  async function ask(gateway: Gateway, device: Device): Promise<EnrolmentLog | undefined> {
    if (members.get(gateway.name)?.failure) return undefined
    try {
      return await withGateway(gateway.name, run, (session) => readEnrolmentLog(session, gateway, device))
    } catch (error) {
      if (error instanceof ProvisionError) return undefined
      throw error
    }
  }
}
