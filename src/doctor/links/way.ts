import { isIP } from 'node:net'
import {
  attemptOf,
  broken,
  type Case,
  fromDevice,
  heard,
  type LinkVerdict,
  loginHistoryOf,
  ok,
  onHost,
  provisionCommand,
  stands,
  unseen,
} from '../case.ts'
import { holders, properties } from '../facts.ts'
import { emptyKeys } from './gateway.ts'

/** From the device to an sshd that listens to it. */

export function name(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const { address } = gateway.dial
  if (isIP(address)) return ok(`${address} needs no name`)
  return fromDevice(c, (facts) => {
    const found = addresses(facts.get('resolve'))
    const mend = onHost(
      device.name,
      `getent ahosts ${address}; cat /etc/resolv.conf (or resolvectl status); is its DNS there?`,
    )
    if (found.length === 0) return broken(`${device.name} finds no address for ${address}`, mend)
    if (found.every((each) => /^(127\.|::1$)/.test(each)))
      return broken(
        `for ${device.name}, ${address} is ${found.join(', ')}, which is itself`,
        onHost(device.name, `grep ${address} /etc/hosts`),
      )
    return ok(`${address} is ${found.join(', ')}`)
  })
}

const addresses = (text: string | undefined) => [
  ...new Set(
    (text ?? '')
      .split('\n')
      .map((row) => row.split(' ')[0] ?? '')
      .filter((word) => isIP(word)),
  ),
]

export function route(c: Case): LinkVerdict {
  const { device } = c.tunnel
  return fromDevice(c, (facts, { connected }) => {
    const rows = (facts.get('routes') ?? '').split('\n').filter((row) => isIP(row.split(' ')[0] ?? ''))
    const good = rows.find((row) => / dev \S+/.test(row) && !/unreachable|prohibit/i.test(row))
    if (good)
      return ok(
        good
          .replace(/^\S+ /, '')
          .replace(/ uid \d+.*$|\\.*$/, '')
          .trim(),
      )
    if (connected) return ok('a connection stands')
    if (rows.length === 0 || rows.every((row) => /not found/.test(row))) return unseen(`${device.name} has no ip(8)`)
    const why = rows[0]?.replace(/^\S+ (RTNETLINK answers: )?/, '').trim()
    return broken(
      `${device.name} has no route to ${rows.map((row) => row.split(' ')[0]).join(', ')}: ${why}`,
      onHost(device.name, 'ip address; ip route: is the cable in, has it an address, a default route?'),
    )
  })
}

export function firewall(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const target = `${gateway.dial.address} port ${gateway.dial.port}`
  return fromDevice(c, (_, { connected, refusal, said }) => {
    if (connected) return ok(`${target} can be connected to`)
    const mend = `let ${device.name} connect to ${target}/tcp, in the firewalls between (${onHost(gateway.name, 'nft list ruleset')})`
    if (refusal === 'refused') {
      return holders(c.gateway.facts?.get('dial')).length === 0
        ? ok(`${target} answers ${device.name}, although it refuses`)
        : broken(
            `${target} refuses ${device.name}, and yet ${gateway.name} listens there: a firewall between says no, or another machine answers at that address`,
            mend,
          )
    }
    if (refusal === 'unreachable')
      return broken(`something between ${device.name} and ${target} says no: ${said}`, mend)
    if (refusal === undefined)
      return broken(
        `${device.name} comes to no connection: ${said}`,
        onHost(device.name, `ssh -v ${gateway.dial.address}`),
      )
    return broken(`${target} is silent to ${device.name}: a firewall between drops what it sends`, mend)
  })
}

export function gatewaySshd(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const facts = c.gateway.facts
  if (!facts) return unseen(`${gateway.name} was not reached`)
  const { port } = gateway.dial
  const listening = holders(facts.get('dial'))
  const test = (facts.get('test') ?? '').trim()
  const attempt = attemptOf(c)
  // Empty key files are the affair of the host key.
  const valid =
    emptyKeys(facts.get('host-keys')).length > 0 ||
    /^valid$/m.test(test) ||
    /Missing privilege separation directory/.test(test)
  const restart = onHost(gateway.name, `${valid ? '' : 'mend what `sshd -t` says; then '}systemctl restart ssh`)
  if (!valid) return broken(`the sshd of ${gateway.name} would not start again: ${test.split('\n').at(-1)}`, restart)
  if (listening.length === 0 && attempt?.refusal === 'refused')
    return broken(
      `nothing listens on port ${port} of ${gateway.name}`,
      onHost(
        gateway.name,
        `systemctl restart ssh; sshd -T | grep -iE '^(port|listenaddress) ': where a router leads devices to it, it has to lead them to one of these`,
      ),
    )
  const other = listening.find(({ program }) => !/^(sshd|systemd)/.test(program))
  if (other && !attempt?.banner)
    return broken(
      `port ${port} of ${gateway.name} is held by ${other.program}, process ${other.pid}, which is no sshd`,
      onHost(gateway.name, `systemctl status ${other.pid}`),
    )
  if (attempt?.connected && !attempt.banner && !keptOut(c))
    return broken(
      `port ${port} of ${gateway.name} takes the connection of ${device.name} and does not greet it as an sshd does: ${attempt.said}`,
      restart,
    )
  if (attempt?.banner) return ok(`it greets ${device.name}: ${attempt.banner}`)
  if (listening.length === 0)
    return unseen(
      `nothing listens on port ${port} of ${gateway.name} itself: does a router lead that port to another one?`,
    )
  const unit = (facts.get('units') ?? '')
    .split('\n\n')
    .map(properties)
    .find(({ ActiveState }) => ActiveState === 'active')
  return ok(`it listens on port ${port}${unit ? `, ${unit.Id} is active` : ''}`)
}

/** Does sshd hang up on the device before it says who it is. From 9.8 on it says the same for both reasons: its log tells. */
function keptOut(c: Case): 'penalty' | 'MaxStartups' | undefined {
  const attempt = attemptOf(c)
  if (attempt?.banner || (!attempt && stands(c))) return undefined
  const found = loginHistoryOf(c)
  const drop =
    found?.since.findLast(({ at, text }) => found.now - at < 60 && /^drop connection /.test(text))?.text ?? ''
  if (/MaxStartups/i.test(drop)) return 'MaxStartups'
  return /penalty/.test(drop) ? 'penalty' : attempt?.keptOut
}

export function penalties(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const found = loginHistoryOf(c)
  if (!found) return unseen(`${gateway.name} was not reached`)
  const why = keptOut(c)
  const drop = found.since.filter(({ text }) => /^drop connection /.test(text)).at(-1)
  const address = /from \[([^\]]+)\]/.exec(drop?.text ?? '')?.[1] ?? found.last?.address
  const from = address ? ` from ${address}` : ''
  if (why === 'penalty') {
    const reason = /penalty: (.+)$/.exec(drop?.text ?? '')?.[1]
    return broken(
      `the sshd of ${gateway.name} listens to nobody${from} for a while${reason ? `, because of ${reason}` : ''} (PerSourcePenalties): ${guilty(c)}`,
      `stop what is refused there; then it is over by itself, in ten minutes at most (who: ${onHost(gateway.name, 'journalctl -u ssh | grep -E "penalty|authenticating user"')}); gentler penalties: ${provisionCommand(c, gateway.name)}`,
    )
  }
  if (why === 'MaxStartups')
    return broken(
      `the sshd of ${gateway.name} has too many logins under way${from} and drops further ones (MaxStartups, PerSourceMaxStartups)`,
      onHost(
        gateway.name,
        `ss -tn state established '( sport = :${gateway.dial.port} )' shows who hangs there; raise MaxStartups in /etc/ssh/sshd_config.d if they are in the right`,
      ),
    )
  if (attemptOf(c)?.banner) return ok(`${device.name} is let in by the door`)
  if (!found.last && heard(c).length === 0) return unseen(`from which address ${device.name} comes is not in the log`)
  return ok(address ? `${address} is not kept out` : 'nobody is kept out')
}

/** Whose logins were refused, as far as the log tells. */
function guilty(c: Case): string {
  const found = loginHistoryOf(c)
  const users =
    found?.since.flatMap(({ text }) => /(?:authenticating|invalid) user (\S+) /i.exec(text)?.[1] ?? []) ?? []
  const count = (user: string) => users.filter((each) => each === user).length
  const rows = [...new Set(users)].map((user) => `${count(user)} as ${user}`)
  return rows.length > 0 ? `refused were ${rows.join(', ')}` : 'the log does not say who was refused'
}
