import { isIP } from 'node:net'
import {
  attemptOf,
  broken,
  type Case,
  fromDevice,
  heard,
  type LinkVerdict,
  lacks,
  loginHistoryOf,
  ok,
  onHost,
  provisionCommand,
  sshdUnit,
  stands,
  unseen,
} from '../case.ts'
import { holders, properties } from '../facts.ts'
import { emptyKeys } from './gateway.ts'

/** From the device to an sshd that listens to it. */

export function name(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const { address } = gateway.dial
  if (isIP(address)) return ok(`${address} is an address, not a name`)
  return fromDevice(c, (facts, { resolved }) => {
    if (lacks(c.device, 'getent') && resolved) return ok(`${device.name} finds an address for ${address}`)
    const found = addresses(facts.get('resolve'))
    const mend = onHost(
      device.name,
      `getent ahosts ${address}; cat /etc/resolv.conf (or resolvectl status); does its DNS server answer?`,
    )
    if (found.length === 0) return broken(`${device.name} finds no address for ${address}`, mend)
    if (found.every((each) => /^(127\.|::1$)/.test(each)))
      return broken(
        `${device.name} resolves ${address} to ${found.join(', ')}, which is ${device.name} itself`,
        onHost(device.name, `grep ${address} /etc/hosts`),
      )
    return ok(`${address} resolves to ${found.join(', ')}`)
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
    if (connected) return ok('there is a connection')
    if (lacks(c.device, 'ip') || rows.length === 0 || rows.every((row) => /not found/.test(row)))
      return unseen(`${device.name} has no program ip(8)`)
    const why = rows[0]?.replace(/^\S+ (RTNETLINK answers: )?/, '').trim()
    return broken(
      `${device.name} has no route to ${rows.map((row) => row.split(' ')[0]).join(', ')}: ${why}`,
      onHost(
        device.name,
        'ip address; ip route: is the cable plugged in, does it have an address and a default route?',
      ),
    )
  })
}

export function firewall(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const target = `${gateway.dial.address} port ${gateway.dial.port}`
  return fromDevice(c, (_, { connected, refusal, said }) => {
    if (connected) return ok(`${device.name} can connect to ${target}`)
    const mend = `allow ${device.name} to connect to ${target}/tcp in the firewalls between them (${onHost(gateway.name, 'nft list ruleset')})`
    if (refusal === 'refused') {
      return holders(c.gateway.facts?.get('dial')).length === 0
        ? ok(`${target} answers ${device.name}, but refuses the connection`)
        : broken(
            `${target} refuses ${device.name}, although ${gateway.name} listens there: a firewall between them rejects the connection, or another machine has that address`,
            mend,
          )
    }
    if (refusal === 'unreachable')
      return broken(`something between ${device.name} and ${target} rejects the connection: ${said}`, mend)
    if (refusal === undefined)
      return broken(`${device.name} cannot connect: ${said}`, onHost(device.name, `ssh -v ${gateway.dial.address}`))
    return broken(`${target} does not answer ${device.name}: a firewall between them drops the packets`, mend)
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
  // Empty key files belong to the link `gateway host key`.
  const valid =
    lacks(c.gateway, 'sshd') ||
    emptyKeys(facts.get('host-keys')).length > 0 ||
    /^valid$/m.test(test) ||
    /Missing privilege separation directory/.test(test)
  const sshd = sshdUnit(c.gateway)
  const restart = onHost(gateway.name, `${valid ? '' : 'fix what `sshd -t` reports; then '}systemctl restart ${sshd}`)
  if (!valid) return broken(`the sshd of ${gateway.name} could not start again: ${test.split('\n').at(-1)}`, restart)
  const isBlind = lacks(c.gateway, 'ss')
  if (listening.length === 0 && attempt?.refusal === 'refused')
    return broken(
      isBlind
        ? `port ${port} of ${gateway.name} refuses ${device.name}: nothing listens there, or a firewall between them rejects it`
        : `nothing listens on port ${port} of ${gateway.name}`,
      onHost(
        gateway.name,
        `systemctl restart ${sshd}; sshd -T | grep -iE '^(port|listenaddress) ': a router in front of it has to forward devices to one of these ports`,
      ),
    )
  const other = listening.find(({ program }) => !/^(sshd|systemd)/.test(program))
  if (other && !attempt?.banner)
    return broken(
      `port ${port} of ${gateway.name} is held by ${other.program}, process ${other.pid}, which is not an sshd`,
      onHost(gateway.name, `systemctl status ${other.pid}`),
    )
  if (attempt?.connected && !attempt.banner && !keptOut(c))
    return broken(
      `port ${port} of ${gateway.name} accepts the connection of ${device.name}, but does not answer as an sshd does: ${attempt.said}`,
      restart,
    )
  if (attempt?.banner) return ok(`the sshd answers ${device.name}: ${attempt.banner}`)
  if (isBlind) return unseen(`${gateway.name} has no program ss(8), which tells who listens`)
  if (listening.length === 0)
    return unseen(
      `nothing listens on port ${port} of ${gateway.name} itself: does a router forward that port to another one?`,
    )
  const unit = properties(facts.get('sshd-unit'))
  return ok(`sshd listens on port ${port}${unit.ActiveState === 'active' ? `, ${unit.Id} is active` : ''}`)
}

/**
 * Does sshd drop the device's connection before its banner. From 9.8 on it sends the same for both reasons: its log
 * tells.
 */
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
      `the sshd of ${gateway.name} refuses every connection${from} for a while${reason ? `, because of ${reason}` : ''} (PerSourcePenalties): ${guilty(c)}`,
      `stop the logins that are refused there; then sshd accepts connections again, in ten minutes at most (to find them: ${onHost(gateway.name, `journalctl -u ${sshdUnit(c.gateway)} | grep -E "penalty|authenticating user"`)}); milder penalties: ${provisionCommand(c, gateway.name)}`,
    )
  }
  if (why === 'MaxStartups')
    return broken(
      `the sshd of ${gateway.name} has too many logins under way${from} and drops further ones (MaxStartups, PerSourceMaxStartups)`,
      onHost(
        gateway.name,
        `ss -tn state established '( sport = :${gateway.dial.port} )' shows these connections; raise MaxStartups in /etc/ssh/sshd_config.d if they are legitimate`,
      ),
    )
  if (attemptOf(c)?.banner) return ok(`${device.name} is not blocked`)
  if (!found.last && heard(c).length === 0)
    return unseen(`the log does not show from which address ${device.name} connects`)
  return ok(address ? `${address} is not blocked` : 'no address is blocked')
}

/** Whose logins were refused, as far as the log tells. */
function guilty(c: Case): string {
  const found = loginHistoryOf(c)
  const users =
    found?.since.flatMap(({ text }) => /(?:authenticating|invalid) user (\S+) /i.exec(text)?.[1] ?? []) ?? []
  const count = (user: string) => users.filter((each) => each === user).length
  const rows = [...new Set(users)].map((user) => `${count(user)} as ${user}`)
  return rows.length > 0 ? `refused logins: ${rows.join(', ')}` : 'the log does not show which logins were refused'
}
