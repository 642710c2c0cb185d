import { printListener } from '../../inventory/forward.ts'
import { fingerprintOf } from '../../ssh/host-keys/pins.ts'
import { broken, type Case, heard, type LinkVerdict, loginHistoryOf, ok, onHost, sshdUnit, unseen } from '../case.ts'
import { directivesAt } from '../directives.ts'
import { ago } from '../log.ts'

/** Which machine answers in the end, and whether the forward works as a whole. */

export function deviceHostKey(c: Case): LinkVerdict {
  const { device } = c.tunnel
  const { error, hostKeys } = c.device
  const known = `provision ${c.inventory} --limit ${device.name} --accept-new-host-key ${device.name}`
  const compare = onHost(device.name, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
  if (error?.kind === 'changed-host-key')
    return broken(error.message, `was the machine reinstalled? Compare the fingerprint ${compare}; then ${known}`)
  if (error?.kind === 'unknown-host-key')
    return broken(error.message, `compare the fingerprint ${compare}; then provision trust ${c.inventory}`)
  const wrong = c.forwards.find(({ state }) => state === 'wrong-device')
  if (wrong) return broken(wrong.error?.message ?? 'another host key answers', wrong.error?.hint ?? compare)
  const proved =
    c.forwards.find(({ state, hostKey }) => state === 'ok' && hostKey)?.hostKey ?? hostKeys.map(fingerprintOf)[0]
  return proved ? ok(`${device.name} proves ${proved}, as pinned`) : unseen(`${device.name} was not reached`)
}

/** Whoever wants to work there has to get in, too: `verify` asks for it. */
export function login(c: Case): LinkVerdict {
  const { device } = c.tunnel
  const { user } = device.login
  const who = user ? `the login as ${user}` : 'the login'
  const through = c.forwards.filter((each) => each.state === 'ok' && each.hostKey)
  const refused = through.find(({ unchecked }) => unchecked !== undefined)
  if (!refused) return through.length > 0 ? ok(`${device.name} lets us in through its forward`) : unseen('not tried')
  const names = /^(allow|deny)(users|groups)|^pubkey|^authenticationmethods|^permitrootlogin/i
  const at = directivesAt(c.device.facts?.get('directives') ?? '', names)
  return broken(
    [`the tunnel works, but ${refused.unchecked}`, ...at].join('; '),
    at.length > 0
      ? onHost(
          device.name,
          `allow ${who} from 127.0.0.1 and ::1, where everybody comes from who comes through the tunnel; systemctl reload ${sshdUnit(c.device)}`,
        )
      : (refused.error?.hint ??
          onHost(device.name, `journalctl -u ${sshdUnit(c.device)} -n 30: why does sshd refuse it?`)),
  )
}

export function forward(c: Case): LinkVerdict {
  const { device, gateway } = c.tunnel
  const bad = c.forwards.find(({ state }) => state !== 'ok')
  if (!bad)
    return ok(
      c.forwards
        .map(
          (each) =>
            `${printListener(each)} on ${gateway.name} answers as ${device.name}${each.unchecked ? ` (${each.unchecked})` : ''}`,
        )
        .join('; '),
    )
  const what = `${printListener(bad)} on ${gateway.name} is ${bad.state}`
  if (c.device.facts || !['no-tunnel', 'stale'].includes(bad.state))
    return broken(`${what}: ${bad.error?.message ?? ''}`, bad.error?.hint ?? `provision verify ${c.inventory}`)
  return broken(`${what}: ${story(c)}`, onSite(c))
}

/** Of a device that nobody can ask: what the gateway's log has of its last hours. */
function story(c: Case): string {
  const { device, gateway } = c.tunnel
  const found = loginHistoryOf(c)
  if (!found?.last) return `${device.name} cannot be asked, and the log of ${gateway.name} has no login of it`
  const began = `its last session began ${ago(found.last.at, found.now)} from ${found.last.address}`
  const ended = found.end
    ? `and ended ${ago(found.end.at, found.now)}${found.end.why ? `: ${found.end.why}` : ''}`
    : found.stands
      ? 'and is still open as far as sshd knows, but nothing answers: the device has lost power or its link'
      : 'and has ended'
  const { newest, now } = found
  const since =
    newest && newest.at > (found.end?.at ?? now)
      ? `; it logged in ${ago(newest.at, now)}, but opened no tunnel`
      : heard(c).length > 0
        ? ''
        : '; nothing has been heard of it since'
  return `${device.name} cannot be asked; ${began} ${ended}${since}`
}

const onSite = ({ tunnel: { device, gateway, unit } }: Case) =>
  `somebody on site at ${device.name}: does it have power, network, an address (ip address; ip route)? Then on it: ` +
  `getent ahosts ${gateway.dial.address}; systemctl status ${unit}; journalctl -u ${unit} -n 20`
