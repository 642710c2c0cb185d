import { quote } from '../../shell/sh.ts'
import { fingerprintOf } from '../../ssh/host-keys/pins.ts'
import {
  attemptOf,
  broken,
  type Case,
  heard,
  type LinkVerdict,
  loginHistoryOf,
  ok,
  onHost,
  provisionBothCommand,
  provisionCommand,
  provisionKeyCommand,
  stands,
  unseen,
} from '../case.ts'
import { directivesAt } from '../directives.ts'
import { ago } from '../log.ts'

/** From the greeting of the gateway's sshd to a login there. */

export function gatewayTrust(c: Case): LinkVerdict {
  const { device, gateway, knownHosts } = c.tunnel
  const empty = emptyKeys(c.gateway.facts?.get('host-keys'))
  if (empty.length > 0) return brokenKeys(gateway.name, empty, provisionCommand(c))
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
      return broken(
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

export const brokenKeys = (name: string, files: readonly string[], then: string) =>
  broken(
    `${files.join(', ')} of ${name} ${files.length === 1 ? 'is' : 'are'} empty: sshd cannot use such a key once it is restarted`,
    `${onHost(name, `rm ${files.map(quote).join(' ')}; ssh-keygen -A; systemctl reload ssh`)}; then ${then} --accept-new-host-key ${name}`,
  )

export function tunnelAccount(c: Case): LinkVerdict {
  const { gateway, account: name, listener, keyFile } = c.tunnel
  const facts = c.gateway.facts
  if (!facts) return unseen(`${gateway.name} was not reached`)
  const found = facts.get('account') ?? ''
  const settings = facts.get('settings') ?? ''
  if (!found.includes(`${name}:`)) return broken(`${gateway.name} has no account ${name}`, provisionBothCommand(c))
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
    return broken(
      `sshd takes the keys of ${name} from ${keys}, not from ${keyFile}: the settings of provision are not in force`,
      provisionCommand(c, gateway.name),
    )
  const folders = (facts.get('jail') ?? '').split('\n')
  const wrong =
    listener === 'socket'
      ? folders.find((row) => row.startsWith('absent ') || (row.endsWith('/s') && !row.includes(` ${name} `)))
      : undefined
  if (wrong !== undefined)
    return broken(
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
        ? onHost(gateway.name, `allow ${name} there, and reload sshd`)
        : onHost(gateway.name, `sshd -T | grep -iE '^(allow|deny)(users|groups) ', and allow ${name} there`),
    )
  }
  return ok(name)
}

export function deviceKeyLine(c: Case): LinkVerdict {
  const { device, gateway, keyFile, key, listener, forwards } = c.tunnel
  const facts = c.gateway.facts
  if (!facts) return unseen(`${gateway.name} was not reached`)
  const own = c.device.facts?.get('key')
  const blob = own && /^ssh-\S+ (AAAA\S+)$/m.exec(own)?.[1]
  if (own !== undefined && !blob)
    return broken(
      `the key of ${device.name}, ${key}, cannot be read: ${own.trim().split('\n').at(-1)}`,
      provisionKeyCommand(c),
    )
  const [folder = '', file = ''] = (facts.get('rights') ?? '').split('\n')
  if (file.startsWith('absent')) return broken(`${gateway.name} has no file ${keyFile}`, provisionKeyCommand(c))
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
  if (fingerprints.length === 0)
    return broken(
      `${keyFile} on ${gateway.name} has no complete key of ${device.name}${lines.length > 0 ? ': its line is damaged' : ''}`,
      provisionKeyCommand(c),
    )
  const line = lines.find((each) => blob && each.includes(blob))
  if (blob && line === undefined)
    return broken(
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
    return broken(
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
    return broken(`${gateway.name} refuses the key of ${device.name}: ${why ?? attempt.said}`, provisionKeyCommand(c))
  if (!attempt && !stands(c) && refused.length > 0)
    return broken(
      `${gateway.name} refuses the key that ${device.name} offers (${times(refused.length)} in the last minute): ${why ?? `it is not ${fingerprints.join(', ')}`}`,
      provisionKeyCommand(c),
    )
  if (found?.last)
    return ok(`${device.name} logged in with ${fingerprints.join(', ')} ${ago(found.last.at, found.now)}`)
  return unseen(`${gateway.name} has a key for ${device.name}; only the device can tell whether it is the right one`)
}

/** Without where in sshd it was said. */
const sentenceOf = ({ text }: { readonly text: string }) => text.replace(/ \[preauth\]$/, '')

/** What sshd's log says of a key that it does not even look at. */
const saysWhy = /Authentication refused|Could not open user|not in PubkeyAccepted/

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)

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
