import { show } from '../messages.ts'
import type { Forward, Gateway, PortRange } from '../model.ts'
import { portProblem } from '../names.ts'

export function readPorts(text: string): { readonly range: PortRange } | { readonly problem: string } {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  if (from === undefined || to === undefined) {
    return { problem: `${show(text)} is not a range of ports: write the first and the last, as in "9000-9999"` }
  }
  const range = { first: Number(from), last: Number(to) }
  const problem = portProblem(range.first) ?? portProblem(range.last)
  if (problem !== undefined) return { problem }
  return range.first <= range.last ? { range } : { problem: `runs backwards: write "${to}-${from}"` }
}

type Ranged = Pick<Gateway, 'name'> & { readonly ports: PortRange }

/**
 * The first port of each gateway's range that no forward has, whatever its bind address. On several gateways the same
 * one where there is one, because it is easier to remember. undefined: that gateway has none left.
 */
export function freePorts(
  gateways: readonly Ranged[],
  forwards: readonly Pick<Forward, 'gateway' | 'port'>[],
): { readonly gateway: string; readonly port: number | undefined }[] {
  const taken = new Set(forwards.map(({ gateway, port }) => `${gateway} ${port}`))
  const free = ({ name, ports }: Ranged, port: number) =>
    ports.first <= port && port <= ports.last && !taken.has(`${name} ${port}`)
  const firstOf = ({ ports }: Ranged, fits: (port: number) => boolean) => {
    for (let port = ports.first; port <= ports.last; port++) if (fits(port)) return port
    return undefined
  }
  const [one] = gateways
  const common = one && firstOf(one, (port) => gateways.every((gateway) => free(gateway, port)))
  return gateways.map((gateway) => ({
    gateway: gateway.name,
    port: common ?? firstOf(gateway, (port) => free(gateway, port)),
  }))
}
