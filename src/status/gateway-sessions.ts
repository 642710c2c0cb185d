import { ConnectError, HostSilent, ProvisionError, RemoteError } from '../errors.ts'
import type { Gateway } from '../inventory/model.ts'
import type { RunsOn } from '../report/report.ts'
import { versions } from '../resources/versions.ts'
import { plainShell, program, whole } from '../shell/program.ts'
import { lines, sh } from '../shell/sh.ts'
import { type ReachContext, reach } from '../ssh/reach/reach.ts'
import type { FullSession, Session } from '../ssh/session/session.ts'
import gatewayProgram from '../tunnel/gateway.sh'
import newsProgram from '../tunnel/news.sh'
import runsOnProgram from '../verify/runs-on.sh'
import { parseRunsOn } from '../verify/runs-on.ts'
import type { StatusEndpoint } from './endpoint.ts'
import { type GatewayFacts, parseGatewayFacts } from './gateway-facts.ts'

/** What became of one question to a gateway. */
export interface GatewayAnswer {
  /** None: it was not reached. */
  readonly session?: Session
  /** None: it was not reached, or could not be read. */
  readonly told?: GatewayFacts
  readonly runsOn?: RunsOn
  /** What the resource `versions` would have shown. */
  readonly versions?: string
  readonly error?: ProvisionError
  /** An open session to it was lost meanwhile. */
  readonly lost?: LostSession
}

export interface LostSession {
  /** When that was noticed. Milliseconds since 1970. */
  readonly at: number
  /** For how long it had answered nothing by then; 0: it was closed. Absent: nobody knows. */
  readonly silentSeconds?: number
}

/** Before the gateway looks, it waits for news of a tunnel. */
export interface News {
  /** Where the last look ended, as `GatewayFacts.place` tells; absent: there was none, and nothing is waited for. */
  readonly since?: string | undefined
  readonly seconds: number
}

/** Sessions to gateways that stay open from one look to the next; one that was lost is opened anew. */
export interface Gateways {
  /** One exec, on one connection. */
  ask(gateway: Gateway, endpoints: readonly StatusEndpoint[], news?: News): Promise<GatewayAnswer>
  close(): void
}

/** One question to a gateway. */
export interface GatewayQuestion {
  readonly gateway: Gateway
  readonly endpoints: readonly StatusEndpoint[]
  readonly news?: News | undefined
  readonly timeoutMs: number
}

/** What the gateway printed. @throws RemoteError */
export type AskGateway = (session: FullSession, question: GatewayQuestion) => Promise<string>

const askMs = 20_000

/** `ask`: how a gateway is asked, as root where it is absent. */
export function openGateways(context: ReachContext, ask: AskGateway = askAsRoot): Gateways {
  const open = new Map<string, FullSession>()
  const drop = (name: string) => {
    open.get(name)?.close()
    open.delete(name)
  }
  return {
    async ask(gateway, endpoints, news) {
      const kept = open.has(gateway.name)
      try {
        const session = open.get(gateway.name) ?? (await reach(gateway, context))
        open.set(gateway.name, session)
        const timeoutMs = askMs + (news?.seconds ?? 0) * 1000
        return { session, ...read(await ask(session, { gateway, endpoints, news, timeoutMs })) }
      } catch (error) {
        if (!(error instanceof ProvisionError)) throw error
        if (error instanceof ConnectError) return { error }
        const session = open.get(gateway.name)
        if (!(error instanceof RemoteError) || (error.kind !== 'lost' && error.kind !== 'timeout')) {
          return { error, ...(session && { session }) }
        }
        drop(gateway.name)
        const silentSeconds = error instanceof HostSilent ? error.seconds : 0
        const lost = { at: Date.now(), ...(error.kind === 'lost' && { silentSeconds }) }
        // It may be long dead; a fresh one that is lost at once says something about the gateway.
        const again = kept ? await this.ask(gateway, endpoints, news && { seconds: news.seconds }) : { error }
        return { ...again, lost }
      }
    },
    close() {
      for (const name of [...open.keys()]) drop(name)
    },
  }
}

const askAsRoot: AskGateway = async (session, { gateway, endpoints, news, timeoutMs }) => {
  const { stdout } = await session.exec(scriptFor(gateway, endpoints, news), { timeoutMs, privileged: true })
  return stdout.toString()
}

function scriptFor({ tunnelAccount }: Gateway, endpoints: readonly StatusEndpoint[], news: News | undefined): string {
  // Who asks all the time does not ask for what hardly changes.
  const before = news
    ? [sh`set -- ${[news.since ?? '', news.seconds, tunnelAccount]}`, program(newsProgram)]
    : [versions.inspect, program(runsOnProgram)]
  return whole(
    lines(
      plainShell,
      ...before,
      sh`set -- ${endpoints.map(({ account, place }) => `${account}=${place}`)}`,
      program(gatewayProgram),
    ),
  )
}

function read(text: string): Pick<GatewayAnswer, 'told' | 'runsOn' | 'versions'> {
  const sshd = /^openssh (\S+)$/m.exec(text)?.[1]
  return {
    told: parseGatewayFacts(text),
    runsOn: { ...parseRunsOn(text), ...(sshd && { sshd: `OpenSSH_${sshd}` }) },
    versions: text,
  }
}
