import { quote } from '../../shell/sh.ts'
import { fingerprintOf } from '../../ssh/host-keys/pins.ts'
import {
  attemptOf,
  broken,
  type Case,
  heard,
  type LinkVerdict,
  lacks,
  loginHistoryOf,
  notAsWanted,
  ok,
  onHost,
  provisionKeyCommand,
  sshdUnit,
  stands,
  unseen,
} from '../case.ts'
import { directivesAt } from '../directives.ts'
import { ago } from '../log.ts'
import { sentenceOf, times } from './gateway.ts'

/** Does the gateway take the key that the device offers. */

export function deviceKeyLine(c: Case): LinkVerdict {
  const { device, gateway, keyFile, key, listener, forwards } = c.tunnel
  const facts = c.gateway.facts
  if (!facts) return unseen(`${gateway.name} was not reached`)
  const own = c.device.facts?.get('key')
  const blob = own && /^ssh-\S+ (AAAA\S+)$/m.exec(own)?.[1]
  if (own !== undefined && !blob && !lacks(c.device, 'ssh-keygen'))
    return notAsWanted(
      `the key of ${device.name}, ${key}, cannot be read: ${own.trim().split('\n').at(-1)}`,
      provisionKeyCommand(c),
    )
  const [folder = '', file = ''] = (facts.get('rights') ?? '').split('\n')
  if (file.startsWith('absent')) return notAsWanted(`${gateway.name} has no file ${keyFile}`, provisionKeyCommand(c))
  for (const row of [folder, file]) {
    const why = refusedRights(row)
    if (why)
      return broken(
        `sshd does not read ${keyFile}: ${why}`,
        onHost(
          gateway.name,
          `chown root:root ${folder.split(' ').at(-1)} ${keyFile}; chmod 755 ${folder.split(' ').at(-1)}; chmod 644 ${keyFile}`,
        ),
      )
  }
  const lines = (facts.get('lines') ?? '').split('\n').filter(Boolean)
  const fingerprints = (facts.get('fingerprints') ?? '').split('\n').filter(Boolean)
  if (lacks(c.gateway, 'ssh-keygen')) return unseen(`${gateway.name} has no program ssh-keygen(1)`)
  if (fingerprints.length === 0)
    return notAsWanted(
      `${keyFile} on ${gateway.name} has no complete key of ${device.name}${lines.length > 0 ? ': its line is damaged' : ''}`,
      provisionKeyCommand(c),
    )
  const line = lines.find((each) => blob && each.includes(blob))
  if (blob && line === undefined)
    return notAsWanted(
      `${keyFile} on ${gateway.name} has another key than ${device.name}: ${fingerprints.join(', ')} there, ${fingerprintOf(`x ${blob}`)} on the device`,
      provisionKeyCommand(c),
    )
  const closed =
    listener === 'sshd'
      ? forwards.filter(
          ({ bindAddress, port }) =>
            !(line ?? lines.join()).includes(
              `permitlisten="${bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress}:${port}"`,
            ),
        )
      : []
  if (closed.length > 0)
    return notAsWanted(
      `the line of ${device.name} in ${keyFile} does not allow it to listen on port ${closed.map(({ port }) => port).join(', ')}`,
      provisionKeyCommand(c),
    )
  return offered(c, fingerprints)
}

/** The line is as it should be: does sshd accept the key? */
function offered(c: Case, fingerprints: readonly string[]): LinkVerdict {
  const { device, gateway, account: name } = c.tunnel
  const attempt = attemptOf(c)
  const found = loginHistoryOf(c)
  if (attempt?.loggedIn)
    return ok(`${gateway.name} accepts the login of ${device.name} with ${fingerprints.join(', ')}`)
  const refused = heard(c).filter(
    ({ at, text }) =>
      at > (found?.newest?.at ?? 0) && (text.includes(`authenticating user ${name} `) || saysWhy.test(text)),
  )
  const reason = refused.findLast(({ text }) => saysWhy.test(text))
  const said = reason && sentenceOf(reason)
  const at = directivesAt(c.gateway.facts?.get('directives') ?? '', /^pubkey|^authenticationmethods/i)
  const why = said && [said, ...(/PubkeyAccepted/.test(said) ? at : [])].join('; ')
  if (attempt?.hostKey && !attempt.distrusted && /denied|closed/i.test(attempt.said))
    return broken(`${gateway.name} refuses the key of ${device.name}: ${why ?? attempt.said}`, allowing(c, said))
  if (!attempt && !stands(c) && refused.length > 0)
    return notAsWanted(
      `${gateway.name} refuses the key that ${device.name} offers (${times(refused.length)} in the last minute): ${why ?? `it is not ${fingerprints.join(', ')}`}`,
      provisionKeyCommand(c),
    )
  if (found?.last)
    return ok(`${device.name} logged in with ${fingerprints.join(', ')} ${ago(found.last.at, found.now)}`)
  return unseen(`${gateway.name} has a key for ${device.name}; only the device can tell whether it is the right one`)
}

/** Its line is as it should be, so it is for sshd to take it. */
function allowing({ tunnel: { gateway }, gateway: evidence }: Case, said = ''): string {
  const [, kind, path] = /bad ownership or modes for (directory|file) (\S+)/.exec(said) ?? []
  if (path && kind) return onHost(gateway.name, `chown root:root ${quote(path)}; chmod go-w ${quote(path)}`)
  if (/PubkeyAccepted/.test(said))
    return onHost(
      gateway.name,
      `let sshd accept keys of this type there (PubkeyAcceptedAlgorithms), and systemctl reload ${sshdUnit(evidence)}`,
    )
  return onHost(
    gateway.name,
    `journalctl -u ${sshdUnit(evidence)} -n 30; sshd -T | grep -iE "^(pubkey|authentication|allow|deny)": which of these refuses it?`,
  )
}

/** What sshd's log says of a key that it does not even look at. */
const saysWhy = /Authentication refused|Could not open user|not in PubkeyAccepted/

/** Others may not write it, and sshd reads it as the account (StrictModes, sshd_config(5)). */
function refusedRights(row: string): string | undefined {
  const [mode = '', owner = '', ...rest] = row.split(' ')
  if (!/^[0-7]+$/.test(mode)) return undefined
  const bits = Number.parseInt(mode, 8)
  const path = rest.at(-1)
  if (owner !== 'root') return `${path} belongs to ${owner}`
  if (bits & 0o022) return `users other than root may write ${path} (mode ${mode})`
  return bits & 0o004 ? undefined : `only root may read ${path} (mode ${mode})`
}
