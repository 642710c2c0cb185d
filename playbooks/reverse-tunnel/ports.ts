import type { Device, Forward, Gateway, HeldForward, Inventory, Refused, Resource, Seen } from '../../src/index.ts'
import { parseListener, parseMark, printListener, sh } from '../../src/index.ts'
import { forwardsOn } from '../../src/tunnel/accounts.ts'
import { nameOnGateways } from '../../src/tunnel/names.ts'
import { commentOf, heldForwardsOn, isInTheWay, isReachedBeside, isSameEndpoint } from './held-forwards.ts'

/**
 * Who holds the ports that this inventory wants. Whatever is not ours, or another device's, is named and left alone.
 */

const id = 'ports'

/** A process that listens on a port of the gateway. */
export interface PortHolder extends Pick<Forward, 'bindAddress' | 'port'> {
  readonly pid: number
  readonly program: string
  readonly user: string
  /** As ps(1) prints it. */
  readonly since: string
}

/** On the gateway, before anything moves: may each of these ports be opened beside what is open there now. */
export function portsAreFree(gateway: Gateway, inventory: Inventory): Resource {
  const wanted = inventory.devices.flatMap((device) =>
    forwardsOn(gateway, device).map((forward) => ({ device, forward })),
  )
  const ports = [...new Set(wanted.map(({ forward }) => `sport = :${forward.port}`))].join(' or ')
  return {
    id,
    inspect:
      wanted.length === 0
        ? sh`:`
        : sh`
            listening=$(ss -Hltnp ${ports} | sort)
            pids='' rest=$listening
            while :; do
              case $rest in *pid=*) rest=\${rest#*pid=} ;; *) break ;; esac
              pid=\${rest%%[!0-9]*}
              case ,$pids, in *,"$pid",*) ;; *) pids=$pids\${pids:+,}$pid ;; esac
            done
            [ -z "$listening" ] || printf '%s\n' "$listening"
            [ -z "$pids" ] || ps -o pid=,user:40=,lstart=,comm= -p "$pids" | sed 's/^/@process /'
          `,
    diff(now, seen) {
      const held = heldForwardsOn(gateway, seen)
      const listening = parseListening(now)
      const around = { gateway, inventory, held, listening, seen }
      const problems = wanted.flatMap((one) => [...heldByDevice(one, around), ...heldByStranger(one, around)])
      if (problems.length === 0) return 'converged'
      const moving = problems.flatMap(({ aside = [] }) => aside)
      const hints = [
        ...(moving.length > 0 ? [stepAside(inventory, moving)] : []),
        ...problems.flatMap(({ hint }) => hint ?? []),
      ]
      return { refused: problems.map(({ refused }) => refused).join('; '), hint: [...new Set(hints)].join('; ') }
    },
  }
}

interface Wanted {
  readonly device: Device
  readonly forward: Forward
}

interface Around {
  readonly gateway: Gateway
  readonly inventory: Inventory
  readonly held: readonly HeldForward[]
}

/**
 * By a forward that cannot be open beside it: of another device, or of this one with another listener or bind address.
 */
function heldByDevice({ device, forward }: Wanted, { inventory, held, seen }: Around & { seen: Seen }): Problem[] {
  const name = nameOnGateways(device)
  const place = printListener(forward)
  return held.flatMap((other): Problem[] => {
    if (!isInTheWay(other, forward)) return []
    if (other.device === name) {
      const stays = isSameEndpoint(other, forward) && other.listener === forward.listener
      if (stays || isReachedBeside(device, seen) || seen.gone(device.name)) return []
      return [
        {
          refused: `${device.name} has ${printListener(other)} open on this gateway, and ${place} (${forward.listener}) cannot be opened beside it; that forward is the only route from here to ${device.name}`,
          aside: [device],
        },
      ]
    }
    const holder = inventory.devices.find((each) => nameOnGateways(each) === other.device)
    if (holder) {
      const canMove = isReachedBeside(holder, seen) && isReachedBeside(device, seen)
      const refused = `${place}, wanted for ${device.name}, is still open for ${holder.name}`
      return canMove ? [] : [{ refused, aside: [holder, device] }]
    }
    const own = inventory.id !== undefined && other.mark?.inventory === inventory.id
    if (own && inventory.prune) return []
    return [
      {
        refused: `${place}, wanted for ${device.name}, is open for ${other.device}, ${
          own
            ? 'which this inventory no longer names'
            : `a device of another inventory (${other.mark?.inventory ?? 'without a mark'})`
        }`,
        hint: own
          ? `take the port from ${other.device} with: \`provision ${inventory.file} --prune\`; or choose another port for ${device.name}`
          : `choose another port for ${device.name}`,
      },
    ]
  })
}

/** One command for all that have to move, for none of them may be left where another one has to go. */
function stepAside({ file }: Inventory, devices: readonly Device[]): string {
  const names = [...new Set(devices.map(({ name }) => `--step-aside ${name}`))].join(' ')
  return `move in two steps, through another port, with: \`provision ${file} ${names}\``
}

/** Why a port cannot be had, and who has to step aside for it. */
type Problem = Refused & { readonly aside?: readonly Device[] }

function heldByStranger(
  { device, forward }: Wanted,
  { gateway, inventory, held, listening, seen }: Around & { listening: readonly PortHolder[]; seen: Seen },
): Problem[] {
  const place = printListener(forward)
  return strangers(forward, { gateway, held, listening, seen }).flatMap((stranger): Problem[] => {
    const { pid, program, user, since } = stranger
    const adopted = inventory.adopt?.includes(place) && mayBeEnded(stranger) && forward.listener === 'socket'
    if (adopted) return []
    const where = printListener(stranger)
    const what = `${place}, wanted for ${device.name}, is taken: ${program} (process ${pid} of ${user}, since ${since}) listens on ${where}`
    const others = `choose another port for ${device.name}, or end that process yourself`
    if (!mayBeEnded(stranger)) {
      const own = program.startsWith('sshd') ? `${what}, which is the sshd of ${gateway.name} itself` : what
      return [{ refused: own, hint: `choose another port for ${device.name}` }]
    }
    return [
      {
        refused: what,
        hint:
          forward.listener === 'socket'
            ? `${others}; if it is a tunnel that somebody set up by hand to ${device.name}, take over its port with: \`provision ${inventory.file} --adopt ${place}\``
            : others,
      },
    ]
  })
}

/** A session of sshd that serves an account. A daemon is never ended, nor what root runs. */
const mayBeEnded = ({ program, user }: PortHolder) => program.startsWith('sshd') && user !== 'root' && user !== '?'

/** Who listens where this forward is to be, and is neither a unit nor a session of ours. */
function strangers(
  forward: Forward,
  {
    gateway,
    held,
    listening,
    seen,
  }: Pick<Around, 'gateway' | 'held'> & { listening: readonly PortHolder[]; seen: Seen },
): PortHolder[] {
  const isOurs = ({ bindAddress, port, program, user }: PortHolder) => {
    if (user === gateway.tunnelAccount || isOurAccount(user, gateway, seen)) return true
    return (
      program.startsWith('systemd') &&
      held.some((one) => one.listener === 'socket' && isShownAs(one, { bindAddress, port }))
    )
  }
  const inTheWay = listening.filter((one) => isInTheWay(one, forward))
  // A socket of systemd is also held by the program that it has started for it.
  const places = [...new Set(inTheWay.map((one) => printListener(one)))]
  return places.flatMap((place) => {
    const holders = inTheWay.filter((one) => printListener(one) === place)
    const [first] = holders
    return first && !holders.some(isOurs) ? [first] : []
  })
}

/** By its mark, or without a comment, as an earlier version made them; a name that begins like ours is not enough. */
function isOurAccount(user: string, gateway: Gateway, seen: Seen): boolean {
  const comment = commentOf(user, gateway, seen)
  return comment !== undefined && (comment === '' || parseMark(comment) !== undefined)
}

/** ss(8) shows a socket on every address of both kinds as `*`. */
const isShownAs = (held: HeldForward, shown: Pick<PortHolder, 'bindAddress' | 'port'>) =>
  isSameEndpoint(held, shown) ||
  (held.port === shown.port && held.bindAddress === '*' && /^(\*|0\.0\.0\.0|::)$/.test(shown.bindAddress))

/** Who listens on the ports that the inventory wants there. */
export const listeningOn = (gateway: Gateway, seen: Seen): PortHolder[] =>
  parseListening(seen.of(gateway.name, id) ?? '')

/** The forwards whose ports this run takes over from tunnels set up by hand, as `--adopt ADDRESS:PORT` has it. */
export function adoptedPlaces(gateway: Gateway, inventory: Inventory, seen: Seen): Forward[] {
  const wanted = inventory.devices.flatMap((device) => forwardsOn(gateway, device))
  const around = { gateway, held: heldForwardsOn(gateway, seen), listening: listeningOn(gateway, seen), seen }
  return wanted.filter(
    (forward) => inventory.adopt?.includes(printListener(forward)) && strangers(forward, around).length > 0,
  )
}

export function parseListening(observed: string): PortHolder[] {
  const rows = observed.split('\n')
  const processes = new Map(
    rows.flatMap((row): [number, { user: string; since: string; program: string }][] => {
      const [, pid = '', user = '', since = '', program = ''] =
        /^@process +(\d+) +(\S+) +(\S+ +\S+ +\d+ +\S+ +\d+) +(.*)$/.exec(row) ?? []
      return pid === '' ? [] : [[Number(pid), { user, since: since.replaceAll(/ +/g, ' '), program }]]
    }),
  )
  return rows.flatMap((row) => {
    const [, local = '', users = ''] = /^LISTEN +\d+ +\d+ +(\S+) +\S+(?: +users:\((.*)\))?/.exec(row) ?? []
    const place = parseListener(local.replace(/%[^:\]]+/, ''))
    if (!place) return []
    const holders = [...users.matchAll(/\("([^"]*)",pid=(\d+)/g)]
    if (holders.length === 0) return [{ ...place, pid: 0, program: 'an unknown program', user: '?', since: '?' }]
    return holders.map(([, program = '', pid = '']) => {
      const known = processes.get(Number(pid))
      return { ...place, pid: Number(pid), program, user: known?.user ?? '?', since: known?.since ?? '?' }
    })
  })
}
