import type { GatewayStatus, StatusReport } from '../../report/status/status.ts'
import { worstFirst } from '../../report/status/words.ts'
import { troubleOf } from '../../report/trouble.ts'
import type { GatewaySight } from '../gateway-sight.ts'
import { type HistoryReport, historyOf } from '../history.ts'
import type { Span } from '../record/memory.ts'
import type { Watcher } from '../watcher.ts'

/** All that the page shows, as values. */
export interface View {
  readonly status: StatusReport
  readonly started: string
  /** Messages that have not arrived. */
  readonly waiting: number
  readonly history: HistoryReport
  readonly watched: readonly Span[]
  readonly hosts: readonly HostView[]
}

/** A host as people were told of it. */
export interface HostView {
  readonly name: string
  readonly role: 'gateway' | 'device'
  readonly condition: 'up' | 'partly' | 'down' | 'flapping'
  /** Absent: for as long as anybody watches. */
  readonly since?: string
}

export const shownDays = 90
const dayMs = 86_400_000

export function viewOf({ board, record, outbox, started, now }: Watcher): View {
  const at = now()
  const { inventory } = board
  const iso = (time: number) => new Date(time).toISOString()
  const forwards = worstFirst([...board.forwards.values()].map(({ status, at: seen }) => withProof(status, iso(seen))))
  const hosts = [...inventory.gateways, ...inventory.devices.filter((device) => device.forwards.length > 0)]
  const status: StatusReport = {
    ...{ version: 1, command: 'status', inventory: inventory.file, at: iso(at), seconds: 0 },
    exitCode: forwards.every(({ state }) => state === 'ok') ? 0 : 1,
    gateways: [...board.gateways.values()].map(gatewayStatus),
    forwards,
    without: inventory.devices.filter((device) => device.forwards.length === 0).map(({ name }) => name),
    wire: { connections: 0, execs: 0 },
  }
  return {
    status,
    started: iso(started),
    waiting: outbox.waiting(),
    watched: record.memory.watched,
    history: historyOf([record.memory], {
      ...{ inventory: inventory.file, hosts, since: at - shownDays * dayMs, until: at },
    }),
    hosts: hosts.flatMap(({ name, role }) => {
      const told = board.standing(name)?.told
      return told ? [{ name, role, condition: told.condition, ...(told.since > 0 && { since: iso(told.since) }) }] : []
    }),
  }
}

const withProof = (status: StatusReport['forwards'][number], at: string) =>
  status.state === 'ok' ? { ...status, lastProof: at } : status

function gatewayStatus({ name, error, booted }: GatewaySight): GatewayStatus {
  return {
    name,
    state: error ? 'unreachable' : 'ok',
    ...(booted !== undefined && { since: new Date(booted).toISOString() }),
    ...(error && { error: troubleOf(error) }),
  }
}
