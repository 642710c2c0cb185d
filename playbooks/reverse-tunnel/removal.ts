import type { Device, Gateway, Proof, Resource, Seen, Sh } from '../../src/index.ts'
import { absent, noSystemAccount, precondition, sh, socketName, sshdSettings, systemdUnits } from '../../src/index.ts'
import { accountOn, forwardsOn, listenerOf } from '../../src/tunnel/accounts.ts'
import {
  checkProgram,
  checkUnitName,
  dialler,
  firstBoot,
  jail,
  key,
  keysFolder,
  knownHosts,
  nameOnGateways,
  sharedKeys,
  tunnelUnitName,
  unitPrefix,
} from '../../src/tunnel/names.ts'
import { isOurUnit } from './held-forwards.ts'
import { listeningAt, noSessionOn } from './sessions.ts'

const folder = key.replace(/\/[^/]*$/, '')
/** What provision, or the first boot of its card, puts there. */
const isOurFile = (path: string) =>
  [key, knownHosts, checkProgram, firstBoot].some((ours) => path === ours || path.startsWith(`${ours}.`)) ||
  path.startsWith(`${folder}/enrolment`) ||
  path.startsWith(`${folder}/done`)

/**
 * On a device that is removed: no unit, file or account of ours. The tunnel itself stays open, for this run may have
 * come through it: it ends with its session when the gateway removes the device, and then nothing is there to dial
 * again.
 */
export function removedFromDevice(gateways: readonly Gateway[]): readonly Resource[] {
  const tunnels = gateways.map(tunnelUnitName)
  return [
    systemdUnits(unitPrefix, [], { lingers: tunnels, owns: isOurUnit }),
    absent(folder, { owns: isOurFile }),
    withoutAccount,
    sshdSettings('00-provision', { user: 'root', settings: [] }),
  ]
}

/** Not `systemAccounts`: that would end the tunnel. */
const withoutAccount = noSystemAccount(dialler)

/** On the gateway: a device that was reached is removed only after its own side, so that another run can try again. */
export function mayRemove({ name }: Device): Resource {
  return precondition(`removal of ${name}`, (seen) => {
    const reached = seen.of(name, withoutAccount.id) !== undefined
    if (!reached || !seen.failed(name)) return undefined
    return {
      refused: `${name} was reached, but the tunnel could not be removed there; so this gateway does not remove ${name} yet`,
      hint: `see the error of ${name}, then run again`,
    }
  })
}

/** A fact on the gateway, from before the device was removed: the key that it must refuse afterwards. */
export function formerKey(device: Device): Resource {
  return {
    id: `key of ${device.name}`,
    inspect: sh`grep -hs ${` ${nameOnGateways(device)}$`} ${keysFolder}/* ${sharedKeys} | grep -o 'ssh-ed25519 [^ ]*'`,
    diff: () => 'converged',
  }
}

/** Where sshd owns the ports, others share the account: of its sessions, those that hold this device's ports end. */
export function endedSessions(device: Device, gateway: Gateway): Resource[] {
  if (listenerOf(gateway, device) !== 'sshd') return []
  const sessions = { id: `sessions of ${device.name}`, places: forwardsOn(gateway, device) }
  return [noSessionOn({ ...sessions, account: gateway.tunnelAccount })]
}

/** What is checked on the gateway after the removal. */
export function gatewayRemovedProofs(device: Device, gateway: Gateway): Proof[] {
  const account = accountOn(gateway, device)
  const own = listenerOf(gateway, device) === 'socket'
  const forwards = forwardsOn(gateway, device)
  const units = forwards.flatMap((forward) =>
    ['socket', 'service'].map((kind) => `/etc/systemd/system/${unitPrefix}${socketName(forward)}.${kind}`),
  )
  return [
    {
      what: `the key of ${device.name} is refused`,
      kind: 'key',
      script: (seen: Seen) => keysRefused(account, formerKeysOf(device, gateway, seen)),
    },
    ...forwards.map(({ bindAddress, port }) => ({
      what: `nothing listens on port ${port}`,
      script: sh`ss -Hltnp ${listeningAt({ bindAddress, port })} | { ! grep . >&2; }`,
    })),
    ...(own
      ? [
          { what: `${device.name} has no account here`, script: sh`! getent passwd ${account} >&2` },
          {
            what: `${device.name} has no process here`,
            script: sh`ps -eo user:40=,args= | { ! grep -F ${account} | grep -v grep >&2; }`,
          },
        ]
      : []),
    {
      what: `${device.name} has no file and no unit here`,
      script: sh`
        found=$(ls -d ${`${keysFolder}/${account}`} ${jail(account)} ${units} 2>/dev/null
          grep -ls ${` ${nameOnGateways(device)}$`} ${sharedKeys}) || :
        [ -z "$found" ] || { echo "$found" >&2; exit 1; }
      `,
    },
  ]
}

/** The keys of a device that the gateway accepted when it was looked at first. */
export function formerKeysOf(device: Device, gateway: Gateway, seen: Seen): readonly string[] {
  return seen.of(gateway.name, formerKey(device).id)?.match(/^ssh-ed25519 \S+$/gm) ?? []
}

/**
 * Offers each key to the gateway's own sshd, as its owner would; the public half is enough to learn whether sshd would
 * accept the key. Undefined where there is no key to try.
 */
export function keysRefused(account: string, publicKeys: readonly string[]): Sh | undefined {
  if (publicKeys.length === 0) return undefined
  return sh`
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
    address=$(sshd -T | sed -n 's/^listenaddress //p' | sed 's/^0\.0\.0\.0:/127.0.0.1:/; s/^\[::\]:/[::1]:/' | head -n 1)
    host=$(echo "\${address%:*}" | tr -d '[]')
    set -- ${publicKeys}
    for key; do
      echo "$key" >"$folder/key.pub"
      # An sshd that has refused several logins in a row from here listens to none for a while (PerSourcePenalties).
      for pause in 0 2 4 8 16; do
        sleep "$pause"
        said=$(ssh -v -F none -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none -o IdentityFile="$folder/key" \
          -o PreferredAuthentications=publickey -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
          -o ConnectTimeout=10 -p "\${address##*:}" -l ${account} "$host" : 2>&1 </dev/null) || :
        case $said in *'Offering public key'*) break ;; esac
      done
      case $said in
        *'Server accepts key'*) echo 'the key is accepted' >&2; exit 1 ;;
        *'Offering public key'*'ermission denied'*) ;;
        *) printf '%s\n' "$said" | tail -n 3 >&2; exit 1 ;;
      esac
    done
  `
}

/** What is checked on the device itself, where it can still be reached. */
export const deviceRemovedProofs = (gateways: readonly Gateway[]): readonly Proof[] => {
  const units = gateways.flatMap((gateway) => [tunnelUnitName(gateway), checkUnitName(gateway)])
  return [
    {
      what: 'it has no file, unit or account of the tunnel',
      script: sh`
        found=$(ls -d ${[key, knownHosts, checkProgram]} ${units.map((unit) => `/etc/systemd/system/${unit}`)} 2>/dev/null; getent passwd ${dialler}) || :
        [ -z "$found" ] || { echo "$found" >&2; exit 1; }
      `,
    },
    {
      what: 'it no longer dials',
      script: sh`systemctl list-units --all --no-legend --plain ${units} | { ! grep ' running ' >&2; }`,
    },
  ]
}
