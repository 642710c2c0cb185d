import type { Device, Forward, Gateway, HeldForward, Inventory, Refused, Resource, Seen } from '../../src/index.ts'
import { parseListener, parseMark, printListener, sh } from '../../src/index.ts'
import { forwardsOn } from '../../src/tunnel/accounts.ts'
import { nameOnGateways } from '../../src/tunnel/names.ts'
import { commentOf, doorsOn, isInTheWay, isReachedBeside, isSameDoor } from './doors.ts'

/** Who holds the ports that this inventory wants. Whatever is not ours, or another device's, is named and left alone. */

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
            ss -Hltnp ${ports} | sort
            ps -o pid=,user:40=,lstart=,comm= -p "$(ss -Hltnp ${ports} | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u | paste -sd , -)" | sed 's/^/@process /'
          `,
    diff(now, seen) {
      const doors = doorsOn(gateway, seen)
      const listening = parseListening(now)
      const around = { gateway, inventory, doors, listening, seen }
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
  readonly doors: readonly HeldForward[]
}

/** By a door that cannot stand beside it: of another device, or of this one with another listener or bind address. */
function heldByDevice({ device, forward }: Wanted, { inventory, doors, seen }: Around & { seen: Seen }): Problem[] {
  const name = nameOnGateways(device)
  const place = printListener(forward)
  return doors.flatMap((door): Problem[] => {
    if (!isInTheWay(door, forward)) return []
    if (door.device === name) {
      const stays = isSameDoor(door, forward) && door.listener === forward.listener
      if (stays || isReachedBeside(device, seen) || seen.gone(device.name)) return []
      return [
        {
          refused: `${device.name} has ${printListener(door)} open here, and ${place} (${forward.listener}) cannot be opened beside it; that door is the only way to it from here`,
          aside: [device],
        },
      ]
    }
    const holder = inventory.devices.find((each) => nameOnGateways(each) === door.device)
    if (holder) {
      const canMove = isReachedBeside(holder, seen) && isReachedBeside(device, seen)
      const refused = `${place}, which ${device.name} is to get, is still open for ${holder.name}`
      return canMove ? [] : [{ refused, aside: [holder, device] }]
    }
    const own = inventory.id !== undefined && door.mark?.inventory === inventory.id
    if (own && inventory.prune) return []
    return [
      {
        refused: `${place}, which ${device.name} is to get, is open for ${door.device}, ${
          own
            ? 'which this inventory does not name any more'
            : `a device of another inventory (${door.mark?.inventory ?? 'without a mark'})`
        }`,
        hint: own
          ? `if ${door.device} is to lose it: \`provision ${inventory.file} --prune\`; else choose another port for ${device.name}`
          : `choose another port for ${device.name}`,
      },
    ]
  })
}

/** One command for all that have to move, for none of them may be left where another one has to go. */
function stepAside({ file }: Inventory, devices: readonly Device[]): string {
  const names = [...new Set(devices.map(({ name }) => `--step-aside ${name}`))].join(' ')
  return `move in two steps, by way of another port, with: \`provision ${file} ${names}\``
}

/** Why a port cannot be had, and who has to step aside for it. */
type Problem = Refused & { readonly aside?: readonly Device[] }

function heldByStranger(
  { device, forward }: Wanted,
  { gateway, inventory, doors, listening, seen }: Around & { listening: readonly PortHolder[]; seen: Seen },
): Problem[] {
  const place = printListener(forward)
  return strangers(forward, { gateway, doors, listening, seen }).flatMap((stranger): Problem[] => {
    const { pid, program, user, since } = stranger
    const adopted = inventory.adopt?.includes(place) && mayBeEnded(stranger) && forward.listener === 'socket'
    if (adopted) return []
    const where = printListener(stranger)
    const what = `${place}, which ${device.name} is to get, is taken: ${program} (process ${pid} of ${user}, since ${since}) listens on ${where}`
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
            ? `${others}; if it is a tunnel by hand to ${device.name}, take its port over with: \`provision ${inventory.file} --adopt ${place}\``
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
    doors,
    listening,
    seen,
  }: Pick<Around, 'gateway' | 'doors'> & { listening: readonly PortHolder[]; seen: Seen },
): PortHolder[] {
  const isOurs = ({ bindAddress, port, program, user }: PortHolder) => {
    if (user === gateway.tunnelAccount || isOurAccount(user, gateway, seen)) return true
    return (
      program.startsWith('systemd') &&
      doors.some((door) => door.listener === 'socket' && isShownAs(door, { bindAddress, port }))
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
const isShownAs = (door: HeldForward, shown: Pick<PortHolder, 'bindAddress' | 'port'>) =>
  isSameDoor(door, shown) ||
  (door.port === shown.port && door.bindAddress === '*' && /^(\*|0\.0\.0\.0|::)$/.test(shown.bindAddress))

/** The sessions by hand that this run takes the ports of, as `--adopt ADDRESS:PORT` has it. */
export function adoptedPlaces(gateway: Gateway, inventory: Inventory, seen: Seen): Forward[] {
  const wanted = inventory.devices.flatMap((device) => forwardsOn(gateway, device))
  const listening = parseListening(seen.of(gateway.name, id) ?? '')
  const around = { gateway, doors: doorsOn(gateway, seen), listening, seen }
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
    if (holders.length === 0) return [{ ...place, pid: 0, program: 'somebody', user: '?', since: '?' }]
    return holders.map(([, program = '', pid = '']) => {
      const known = processes.get(Number(pid))
      return { ...place, pid: Number(pid), program, user: known?.user ?? '?', since: known?.since ?? '?' }
    })
  })
}
