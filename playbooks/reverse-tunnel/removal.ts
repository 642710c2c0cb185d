import type { Device, Gateway, Proof, Resource, Seen, Sh } from '../../src/index.ts'
import { absent, noSystemAccount, sh, socketName, sshdSettings, systemdUnits } from '../../src/index.ts'
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
import { isOurUnit } from './doors.ts'
import { listeningAt, noSessionOn } from './sessions.ts'

const folder = key.replace(/\/[^/]*$/, '')
/** What provision, or the first boot of its card, puts there. */
const isOurFile = (path: string) =>
  [key, knownHosts, checkProgram, firstBoot].some((ours) => path === ours || path.startsWith(`${ours}.`)) ||
  path.startsWith(`${folder}/enrolment`) ||
  path.startsWith(`${folder}/done`)

/**
 * On a device that leaves: no unit, file or account of ours. The tunnel itself stays open, for it may be the way that we
 * came: it ends with its session when the gateway forgets the device, and by then nothing is there to dial again.
 */
export function nothingLeft(gateways: readonly Gateway[]): readonly Resource[] {
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

/** On the gateway: a device that could be reached is not forgotten before its own side is done, so that it can be tried again. */
export function mayForget({ name }: Device): Resource {
  return {
    id: `farewell of ${name}`,
    inspect: sh`:`,
    diff(_, seen) {
      const reached = seen.of(name, withoutAccount.id) !== undefined
      if (!reached || !seen.failed(name)) return 'converged'
      return {
        refused: `${name} itself was reached and could not be cleared, so it is not forgotten here`,
        hint: 'see what it says, then run again',
      }
    },
  }
}

/** A fact on the gateway, from before the device was forgotten: the key that it must refuse afterwards. */
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

/** What is tried on the gateway when all is done. */
export function forgotten(device: Device, gateway: Gateway): Proof[] {
  const account = accountOn(gateway, device)
  const own = listenerOf(gateway, device) === 'socket'
  const doors = forwardsOn(gateway, device)
  const units = doors.flatMap((door) =>
    ['socket', 'service'].map((kind) => `/etc/systemd/system/${unitPrefix}${socketName(door)}.${kind}`),
  )
  return [
    {
      what: 'its key is refused',
      kind: 'key',
      script: (seen: Seen) => keysRefused(account, formerKeysOf(device, gateway, seen)),
    },
    ...doors.map((door) => ({
      what: `nothing listens on its port ${door.port}`,
      script: sh`ss -Hltnp ${listeningAt(door)} | { ! grep . >&2; }`,
    })),
    ...(own
      ? [
          { what: 'it has no account', script: sh`! getent passwd ${account} >&2` },
          {
            what: 'it has no process',
            script: sh`ps -eo user:40=,args= | { ! grep -F ${account} | grep -v grep >&2; }`,
          },
        ]
      : []),
    {
      what: 'it has no file and no unit',
      script: sh`
        found=$(ls -d ${`${keysFolder}/${account}`} ${jail(account)} ${units} 2>/dev/null
          grep -ls ${` ${nameOnGateways(device)}$`} ${sharedKeys}) || :
        [ -z "$found" ] || { echo "$found" >&2; exit 1; }
      `,
    },
  ]
}

/** The keys of a device that the gateway let in when it was looked at first. */
export function formerKeysOf(device: Device, gateway: Gateway, seen: Seen): readonly string[] {
  return seen.of(gateway.name, formerKey(device).id)?.match(/^ssh-ed25519 \S+$/gm) ?? []
}

/**
 * Offers each key to the gateway's own sshd, as its owner would; the public half is enough to be told whether it would be
 * let in. Undefined where there is no key to try.
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

/** What is tried on the device itself, if it can still be asked. */
export const gone = (gateways: readonly Gateway[]): readonly Proof[] => {
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
      what: 'it dials no more',
      script: sh`systemctl list-units --all --no-legend --plain ${units} | { ! grep ' running ' >&2; }`,
    },
  ]
}
