import { forwardStates, type Labels, metric } from '../../report/ci/metrics.ts'
import type { Watcher } from '../watcher.ts'
import type { View } from './view.ts'

/** For Prometheus: its own text format, and with `# EOF` that of OpenMetrics, for all of it are gauges. */
export function watchMetrics(
  { status, hosts, history, waiting, started }: View,
  { board }: Pick<Watcher, 'board'>,
): string {
  const all = { inventory: status.inventory }
  const seconds = (time: string) => Date.parse(time) / 1000
  const forwards = status.forwards.map((forward) => {
    const { device, gateway, bindAddress, port, state, lastProof } = forward
    const labels: Labels = { ...all, device, gateway, bind_address: bindAddress, port: String(port) }
    return { labels, state, lastProof }
  })
  const hostLabels = (name: string, role: string): Labels => ({ ...all, host: name, role })
  return [
    metric('watch_start_timestamp_seconds', 'When the watcher was started, in seconds since 1970.', [
      [all, seconds(started)],
    ]),
    metric('watch_messages_waiting', 'Messages that have not arrived at their target.', [[all, waiting]]),
    metric(
      'watch_gateway_look_timestamp_seconds',
      'When the gateway was looked at last, in vain or not.',
      [...board.gateways.values()].map(({ name, at }) => [{ ...all, gateway: name }, at / 1000]),
    ),
    metric(
      'gateway_up',
      'Whether the gateway could be reached at the last look.',
      [...board.gateways.values()].map(({ name, error }) => [{ ...all, gateway: name }, Number(!error)]),
    ),
    metric(
      'watch_host_up',
      'Whether it counts as up: a condition counts once it has held.',
      hosts.map(({ name, role, condition }) => [hostLabels(name, role), Number(condition === 'up')]),
    ),
    metric(
      'watch_host_outages',
      'Outages in the last 90 days.',
      history.hosts.map(({ name, role, outages }) => [hostLabels(name, role), outages]),
    ),
    metric(
      'watch_host_away_seconds',
      'How long it was down in the last 90 days.',
      history.hosts.map(({ name, role, awaySeconds }) => [hostLabels(name, role), awaySeconds]),
    ),
    metric(
      'forward_up',
      'Whether the forward reached its device at the last proof.',
      forwards.map(({ labels, state }) => [labels, Number(state === 'ok')]),
    ),
    metric(
      'forward_state',
      'What was found behind the forward: 1 for the state that it is in.',
      forwards.flatMap(({ labels, state }) =>
        forwardStates.map((one): [Labels, number] => [{ ...labels, state: one }, Number(one === state)]),
      ),
    ),
    metric(
      'forward_last_proof_timestamp_seconds',
      'When the device proved through the forward who it is, in seconds since 1970.',
      forwards.flatMap(({ labels, lastProof }): [Labels, number][] =>
        lastProof ? [[labels, seconds(lastProof)]] : [],
      ),
    ),
  ].join('')
}
