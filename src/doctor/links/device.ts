import { isOwnSshd } from '../../inventory/forward.ts'
import { duration } from '../../report/duration.ts'
import {
  broken,
  type Case,
  type LinkVerdict,
  lacks,
  notAsWanted,
  ok,
  onHost,
  provisionBothCommand,
  provisionCommand,
  sshdUnit,
  stands,
  unseen,
} from '../case.ts'
import { properties } from '../facts.ts'
import { lastWords } from '../journal.ts'
import { entries, lasting } from '../log.ts'
import { brokenKeys, emptyKeys } from './gateway.ts'

/** The device's own half: what dials, its clock, and the sshd that people want to reach. */

export function unit(c: Case): LinkVerdict {
  const { device, unit: name, checkUnit } = c.tunnel
  const facts = c.device.facts
  if (!facts) return stands(c) ? ok('the tunnel is up') : unseen(`${device.name} was not reached`)
  const { LoadState, ActiveState, SubState, UnitFileState } = properties(facts.get('unit'))
  const journal = entries(facts.get('journal'))
  const again = provisionCommand(c, device.name)
  if (LoadState === 'masked') return notAsWanted(`${name} is masked`, again)
  if (LoadState !== 'loaded')
    return notAsWanted(`${device.name} has no unit ${name} (${LoadState ?? 'no systemd'})`, again)
  // systemd does not keep the time at which it stopped a unit that nothing needs any more.
  const changed = journal.findLast(({ by, text }) => by === 'systemd' && /^(Started|Stopped|Failed) /.test(text))
  const since = changed ? ` ${lasting(changed.at, Number(facts.get('now')))}` : ''
  const words = lastWords(journal)
  const why = words ? `: ${words.means ? `${words.means} ("${words.said}")` : words.said}` : ''
  const dialled = `${onHost(device.name, `journalctl -u ${name} -n 20`)}; then ${provisionBothCommand(c)}`
  if (ActiveState === 'active') {
    if (!/Master running/.test(facts.get('alive') ?? '')) {
      // autossh stays while its ssh comes and goes.
      if (device.supervisor === 'autossh')
        return broken(`${name} runs, but none of its ssh processes has a tunnel${why}`, dialled)
      const check = properties(facts.get('check')).ActiveState
      const watched =
        check === 'active' ? `${checkUnit} kills it within seconds` : `${checkUnit}, which would kill it, is ${check}`
      return broken(
        `${name} is active, but its ssh is frozen and does not answer; ${watched}`,
        onHost(device.name, `systemctl kill --signal=KILL ${name}; systemctl start ${checkUnit}`),
      )
    }
    if (UnitFileState !== 'enabled')
      return notAsWanted(`${name} runs but is ${UnitFileState}: after the next boot there would be no tunnel`, again)
    return ok(`${name} is active${since}`)
  }
  if (ActiveState === 'inactive')
    return notAsWanted(`${name} is stopped${UnitFileState === 'enabled' ? '' : ` and ${UnitFileState}`}${since}`, again)
  return broken(`${name} does not start: it is ${ActiveState} (${SubState})${since}${why}`, dialled)
}

/** The largest difference between two clocks that is accepted, in seconds. */
const apart = 300

export function clock(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const [here, there] = [c.device, c.gateway].map(({ facts, at }) => Number(facts?.get('now') ?? Number.NaN) - at)
  if (here === undefined || there === undefined || Number.isNaN(here - there))
    return unseen(`${device.name} was not reached`)
  const ahead = here - there
  const how = `${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} that of ${gateway.name}`
  if (Math.abs(ahead) <= apart)
    return ok(`the clock of ${device.name} is right within ${duration(Math.max(1, Math.abs(ahead)))}`)
  const { NTP } = properties(c.device.facts?.get('clock'))
  return broken(
    `the clock of ${device.name} is ${how}`,
    onHost(
      device.name,
      NTP === 'no'
        ? 'timedatectl set-ntp true'
        : 'timedatectl timesync-status: can it reach a time server? By hand: date -s',
    ),
  )
}

export function deviceSshd(c: Case): LinkVerdict {
  const { device, forwards } = c.tunnel
  const facts = c.device.facts
  const sshd = sshdUnit(c.device)
  const look = onHost(
    device.name,
    `systemctl status ${sshd}; sshd -t; systemctl start ${sshd}${facts ? '' : ': or the unit of its own that runs sshd there'}`,
  )
  const down = forwards.find((forward) =>
    c.forwards.some(
      ({ port, bindAddress, state }) =>
        state === 'device-sshd-down' && port === forward.port && bindAddress === forward.bindAddress,
    ),
  )
  if (down && !isOwnSshd(device, down)) {
    // Of each connection that its ssh could not make, it says why.
    const said = entries(facts?.get('journal')).findLast(({ text }) => text.startsWith(`connect_to ${down.host}`))
    if (said?.text.includes('unknown host'))
      return broken(
        `${device.name} finds no address for ${down.host}, where the forward ends`,
        onHost(device.name, `getent ahosts ${down.host}: put it into /etc/hosts or its DNS`),
      )
    return broken(
      `${device.name} cannot connect to ${down.host}:${down.hostPort}`,
      onHost(device.name, `what should listen at ${down.host}:${down.hostPort}? Try to connect to it from there`),
    )
  }
  if (!facts) {
    if (down) return broken(`the tunnel is up, but the sshd of ${device.name} behind it does not answer`, look)
    if (c.device.error?.portClosed)
      return broken(`${device.name} is up, but nothing listens on the port of its sshd`, look)
    return unseen(`${device.name} was not reached`)
  }
  const empty = emptyKeys(facts.get('host-keys'))
  if (empty.length > 0)
    return brokenKeys(c.device, { name: device.name, files: empty, run: provisionCommand(c, device.name) })
  const test = (facts.get('sshd-test') ?? '').trim()
  if (!lacks(c.device, 'sshd') && !/^valid$/m.test(test) && !/Missing privilege separation directory/.test(test))
    return broken(`the sshd of ${device.name} could not start again: ${test.split('\n').at(-1)}`, look)
  for (const { host, hostPort } of forwards.filter((forward) => isOwnSshd(device, forward))) {
    const said = facts.get(`target-${hostPort}`) ?? ''
    if (/SSH-\d/.test(said) || lacks(c.device, 'ssh-keyscan')) continue
    if (/^no address$/m.test(said))
      return broken(
        `${host}:${hostPort} on ${device.name}, where the forward ends: ${host} has no address there, so its sshd is not found`,
        onHost(device.name, `echo '127.0.0.1 ${host}' >>/etc/hosts`),
      )
    const elsewhere = otherAddresses(facts.get('sshd-listens'), hostPort)
    if (elsewhere.length > 0)
      return broken(
        `${host}:${hostPort} on ${device.name}, where the forward ends: nothing listens there, for its sshd listens on ${elsewhere.join(', ')} alone`,
        `let the forward end there (…:${elsewhere[0]} in the inventory, then ${provisionCommand(c)}); or ${onHost(device.name, `give its sshd_config \`ListenAddress 127.0.0.1\`, too, and systemctl restart ${sshd}`)}`,
      )
    const why =
      said.trim() === ''
        ? 'nothing answers there'
        : /refused/.test(said)
          ? 'nothing listens there'
          : 'the program that listens there does not answer as an sshd does'
    return broken(`${host}:${hostPort} on ${device.name}, where the forward ends: ${why}`, look)
  }
  return ok(`the sshd of ${device.name} answers`)
}

/** Where sshd listens with this port, unless that is also a loopback address or every address; from `sshd -T`. */
function otherAddresses(text: string | undefined, port: number): string[] {
  const all = [...(text ?? '').matchAll(/^listenaddress (.+):(\d+)$/gm)].flatMap(([, address = '', of]) =>
    Number(of) === port ? [`${address}:${of}`] : [],
  )
  return all.some((one) => /^(0\.0\.0\.0|\[::\]|127\.|\[::1\])/.test(one)) ? [] : all
}
