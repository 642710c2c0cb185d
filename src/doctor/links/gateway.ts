import { quote } from '../../shell/sh.ts'
import { fingerprintOf } from '../../ssh/host-keys/pins.ts'
import {
  attemptOf,
  broken,
  type Case,
  type HostEvidence,
  heard,
  type LinkVerdict,
  loginHistoryOf,
  notAsWanted,
  ok,
  onHost,
  provisionBothCommand,
  provisionCommand,
  sshdUnit,
  stands,
  unseen,
} from '../case.ts'
import { directivesAt } from '../directives.ts'

/** From the greeting of the gateway's sshd to the account there. */

export function gatewayTrust(c: Case): LinkVerdict {
  const { device, gateway, knownHosts } = c.tunnel
  const empty = emptyKeys(c.gateway.facts?.get('host-keys'))
  if (empty.length > 0) return brokenKeys(c.gateway, { name: gateway.name, files: empty, run: provisionCommand(c) })
  const proves = c.gateway.hostKeys.map(fingerprintOf)
  const attempt = attemptOf(c)
  const facts = c.device.facts
  if (facts && attempt) {
    const trusted = (facts.get('trusted') ?? '')
      .split('\n')
      .filter((row) => /^\S+ AAAA/.test(row))
      .map(fingerprintOf)
    const shown = attempt.hostKey
    if (attempt.distrusted && shown && !proves.includes(shown))
      return broken(
        `another machine answers ${device.name} at ${gateway.dial.address}: it presents ${shown}, but ${gateway.name} has ${proves.join(', ')}`,
        onHost(
          device.name,
          `getent ahosts ${gateway.dial.address}; whose address is that? Do not make ${device.name} trust that key`,
        ),
      )
    if (attempt.distrusted || trusted.length === 0)
      return notAsWanted(
        `${device.name} does not trust the host key of ${gateway.name}, ${shown ?? proves[0]}: ${knownHosts} has ${trusted.join(', ') || 'none'}`,
        provisionBothCommand(c),
      )
    return shown ? ok(`${device.name} trusts ${shown}`) : unseen('the attempt did not get as far as the host key')
  }
  if (stands(c)) return ok('the tunnel is up')
  const since = loginHistoryOf(c)?.newest?.at ?? 0
  const left = heard(c).filter(
    ({ at, text }) => at > since && /^Connection (closed|reset) by [\d.a-f:]+ port \d+ \[preauth\]/.test(text),
  )
  if (left.length > 1)
    return broken(
      `${device.name} connects and closes the connection before it logs in (${times(left.length)} in the last minute), as ssh does when it does not trust the host key`,
      `from where ${device.name} can be reached: ${provisionCommand(c, gateway.name, device.name)}; or ${onHost(device.name, `compare ${knownHosts} with ${proves.join(', ')}`)}`,
    )
  return unseen(`${device.name} was not reached`)
}

/** Files of host keys with nothing in them, as a power cut leaves them. */
export const emptyKeys = (text: string | undefined) =>
  (text ?? '').split('\n').flatMap((row) => /^0 (\S+)$/.exec(row)?.[1] ?? [])

export const brokenKeys = (
  evidence: HostEvidence,
  { name, files, run }: { readonly name: string; readonly files: readonly string[]; readonly run: string },
) =>
  broken(
    `${files.join(', ')} of ${name} ${files.length === 1 ? 'is' : 'are'} empty: sshd cannot use such a key once it is restarted`,
    `${onHost(name, `rm ${files.map(quote).join(' ')}; ssh-keygen -A; systemctl reload ${sshdUnit(evidence)}`)}; then ${run} --accept-new-host-key ${name}`,
  )

export function tunnelAccount(c: Case): LinkVerdict {
  const { gateway, account: name, listener, keyFile } = c.tunnel
  const facts = c.gateway.facts
  if (!facts) return unseen(`${gateway.name} was not reached`)
  const found = facts.get('account') ?? ''
  const settings = facts.get('settings') ?? ''
  if (!found.includes(`${name}:`)) return notAsWanted(`${gateway.name} has no account ${name}`, provisionBothCommand(c))
  const expires = Number(/^expires (\d+)$/m.exec(found)?.[1] ?? Number.POSITIVE_INFINITY)
  const today = Number(facts.get('now') ?? 0) / 86_400
  if (expires <= today) {
    const day = new Date(expires * 86_400_000).toISOString().slice(0, 10)
    return broken(`the account ${name} has expired on ${day}`, onHost(gateway.name, `chage -E -1 ${name}`))
  }
  if (/^locked$/m.test(found) && /^usepam no$/m.test(settings))
    return broken(
      `the account ${name} is locked, and sshd refuses a locked account without PAM`,
      onHost(gateway.name, `usermod -p '*' ${name}`),
    )
  if (/^no shell$/m.test(found))
    return broken(
      `the login shell of ${name} does not exist`,
      onHost(gateway.name, `usermod -s /usr/sbin/nologin ${name}`),
    )
  const keys = /^authorizedkeysfile (.+)$/m.exec(settings)?.[1]?.replaceAll('%u', name)
  if (keys !== undefined && !keys.split(' ').includes(keyFile))
    return notAsWanted(
      `sshd takes the keys of ${name} from ${keys}, not from ${keyFile}: the settings of provision are not in force`,
      provisionCommand(c, gateway.name),
    )
  const folders = (facts.get('jail') ?? '').split('\n')
  const wrong =
    listener === 'socket'
      ? folders.find((row) => row.startsWith('absent ') || (row.endsWith('/s') && !row.includes(` ${name} `)))
      : undefined
  if (wrong !== undefined)
    return notAsWanted(
      `the folder ${wrong.split(' ').at(-1)} of ${name} ${wrong.startsWith('absent') ? 'does not exist' : 'does not belong to it'}`,
      provisionCommand(c, gateway.name),
    )
  // Of its newest attempt: what was refused before may be mended by now.
  const newest = heard(c).findLast(({ text }) => text.includes(`ser ${name} `))?.pid
  const denial = heard(c).findLast(
    ({ pid, text }) =>
      pid === newest && text.includes(`ser ${name} `) && /not allowed because|by PAM account/.test(text),
  )
  if (denial && !attemptOf(c)?.loggedIn) {
    const at = directivesAt(facts.get('directives') ?? '', /^(allow|deny)(users|groups)/i)
    return broken(
      `the sshd of ${gateway.name} does not allow ${name} to log in: ${[sentenceOf(denial), ...at].join('; ')}`,
      at.length > 0
        ? onHost(gateway.name, `allow ${name} there, and systemctl reload ${sshdUnit(c.gateway)}`)
        : onHost(gateway.name, `sshd -T | grep -iE '^(allow|deny)(users|groups) ', and allow ${name} there`),
    )
  }
  return ok(name)
}

/** Without where in sshd it was said. */
export const sentenceOf = ({ text }: { readonly text: string }) => text.replace(/ \[preauth\]$/, '')

export const times = (count: number) => (count === 1 ? 'once' : `${count} times`)
