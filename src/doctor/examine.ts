import { asProvisionError, ConnectError, PortClosed, ProvisionError, RemoteError } from '../errors.ts'
import type { Device, Gateway } from '../inventory/model.ts'
import { type DoctorReport, doctorExitCode, type TunnelReport } from '../report/doctor/doctor.ts'
import type { ForwardReport } from '../report/report.ts'
import { troubleOf } from '../report/trouble.ts'
import { type ReachContext, reach } from '../ssh/reach/reach.ts'
import type { Session } from '../ssh/session/session.ts'
import { proveForwards } from '../verify/prove-forwards.ts'
import type { Case, HostEvidence } from './case.ts'
import { parseFacts } from './facts.ts'
import { walk } from './links.ts'
import { deviceScript, gatewayScript } from './scripts.ts'
import type { TunnelParts } from './tunnel.ts'

export interface Examination {
  readonly inventory: string
  readonly device: Device
  /** One for each gateway that it dials. */
  readonly tunnels: readonly TunnelParts[]
  readonly context: ReachContext
  /** A session that others have with this host, or why they have none. Absent: it logs in itself. */
  readonly session?: (host: Gateway | Device) => Promise<Login>
  /** What `ssh -v` of the device said a moment ago: then it does not try once more, which sshd would count. */
  readonly tried?: string
  /** What its forwards were proved to be a moment ago; absent: they are proved now. */
  readonly forwards?: readonly ForwardReport[]
  /** Milliseconds. */
  readonly now: () => number
  readonly debug: (title: string, text: string) => void
}

/** The device's own try of an ssh login, and journals that are long. */
const lookMs = 60_000

/** Asks both sides of each tunnel of a device, changes nothing, and walks the chain from what they told. */
export async function examine(examination: Examination): Promise<DoctorReport> {
  const { inventory, device, tunnels, context, now } = examination
  const began = now()
  const itself = login(device, examination)
  const reports = await Promise.all(tunnels.map((tunnel) => report(tunnel, itself, examination)))
  const session = await itself
  const via = session instanceof ProvisionError ? undefined : session.via
  if (!(session instanceof ProvisionError) && !examination.session) session.close()
  const { connections, execs } = context.wire.counts
  return {
    version: 1,
    command: 'doctor',
    inventory,
    seconds: Math.round(now() - began) / 1000,
    exitCode: doctorExitCode(reports),
    device: device.name,
    ...(via && { via }),
    tunnels: reports,
    wire: { connections, execs },
  }
}

async function report(tunnel: TunnelParts, device: Promise<Login>, examination: Examination): Promise<TunnelReport> {
  const there = login(tunnel.gateway, examination)
  // The device before its gateway: the log there then holds what came of its try.
  const sides = async () => {
    const { tried } = examination
    const own = await ask(await device, deviceScript(tunnel, { tries: tried === undefined }), examination)
    const itself = own.facts && tried !== undefined ? { ...own, facts: new Map([...own.facts, ['try', tried]]) } : own
    return { device: itself, gateway: await ask(await there, gatewayScript(tunnel), examination) }
  }
  // Beside it: a tunnel that is silent takes its time.
  const proofs = there.then((gateway) => proved(tunnel, examination) ?? prove(tunnel, gateway, examination))
  const [asked, forwards] = await Promise.all([sides(), proofs])
  const gateway = await there
  if (!(gateway instanceof ProvisionError) && !examination.session) gateway.close()
  const found: Case = { tunnel, inventory: examination.inventory, ...asked, forwards }
  return { gateway: tunnel.gateway.name, links: walk(found) }
}

type Login = Session | ProvisionError

const login = (host: Gateway | Device, { context, session }: Examination): Promise<Login> =>
  session ? session(host) : reach(host, context).catch(asProvisionError)

/** A device that proved its key and then refused us has a tunnel: whether we may log in is another link. */
const proved = ({ device, gateway }: TunnelParts, { forwards }: Examination): ForwardReport[] | undefined =>
  forwards
    ?.filter((report) => report.device === device.name && report.gateway === gateway.name)
    .map((report) => {
      const { state, hostKey, error } = report
      if (state !== 'unverified' || hostKey === undefined) return report
      return { ...report, state: 'ok', unchecked: `there was no login: ${error?.message}` }
    })

async function ask(session: Login, script: string, { now, debug }: Examination): Promise<HostEvidence> {
  const at = now() / 1000
  if (session instanceof ProvisionError) return { hostKeys: [], at, error: trouble(session) }
  debug(`asked of ${session.host}`, script)
  try {
    const { stdout } = await session.exec(script, { timeoutMs: lookMs, privileged: true })
    const facts = parseFacts(stdout)
    // Half an answer would be read as so many findings.
    if (!facts.has('end')) throw new RemoteError('output', `${session.host} did not answer what it was asked`)
    for (const [name, text] of facts) debug(`${session.host}: ${name}`, text)
    return { facts, hostKeys: session.hostKeys(), at, via: session.via }
  } catch (error) {
    return { hostKeys: session.hostKeys(), at, error: trouble(asProvisionError(error)) }
  }
}

const trouble = (error: ProvisionError) => ({
  ...troubleOf(error),
  ...(error instanceof ConnectError && { kind: error.kind }),
  ...(error instanceof PortClosed && { portClosed: true as const }),
})

function prove({ device, forwards }: TunnelParts, gateway: Login, { context, now }: Examination) {
  return proveForwards(forwards, {
    devices: [device],
    gateway: async () => {
      if (gateway instanceof ProvisionError) throw gateway
      return gateway
    },
    wire: context.wire,
    now,
    // The tunnel is asked for, not whether this user may log in to the device.
    hostKeyEnough: true,
    pace: (_, work) => work(),
  })
}
