import {
  type Device,
  type Gateway,
  type Inventory,
  printForward,
  type Seen,
  type Sh,
  sh,
  type Trial,
} from '../../src/index.ts'
import { accountOn, dials, forwardsOn, listenerOf } from '../../src/tunnel/accounts.ts'
import { jail, key, knownHosts } from '../../src/tunnel/names.ts'
import { accountsOf } from '../accounts.ts'
import { heldForwardsOn, isInTheWay, isSameEndpoint } from './held-forwards.ts'
import { listeningOn } from './ports.ts'

/** A name that no forward has, since it is no address. */
const trialSocket = 'trial'

/**
 * Before a change of the gateway is kept, a device logs in there as its tunnel does, and opens one forward: what sshd,
 * PAM or a policy refuses is known before any device dials in vain, which sshd's penalties and fail2ban count against
 * its whole site.
 */
export function tunnelTrial(gateway: Gateway, inventory: Inventory): Trial {
  const { devices } = inventory
  const mine = devices.filter((device) => dials(device, gateway))
  const deviceOf = (name: string) => mine.find((device) => device.name === name)
  // The keys of people are nothing to a tunnel.
  const ofPeople = new Set(accountsOf(gateway, inventory).map(({ id }) => id))
  return {
    concerns: (id) => !ofPeople.has(id),
    by: mine.map(({ name }) => name),
    script: (name, seen, seconds) => {
      const device = deviceOf(name)
      return device && dialOnce(device, gateway, { forward: forwardToTry(device, gateway, seen), seconds })
    },
    cleanUp: (name) => {
      const device = deviceOf(name)
      if (!device || listenerOf(gateway, device) !== 'socket') return undefined
      return sh`rm -f ${`${jail(accountOn(gateway, device))}/s/${trialSocket}`}`
    },
  }
}

/**
 * Where systemd owns the ports, a unix socket beside those of the tunnel. Where sshd does, only a port that the device
 * does not hold yet: its own tunnel would be in the way.
 */
function forwardToTry(device: Device, gateway: Gateway, seen: Seen): string | undefined {
  const [first] = forwardsOn(gateway, device)
  if (first && first.listener === 'socket') return `/s/${trialSocket}:localhost:${first.hostPort}`
  const held = heldForwardsOn(gateway, seen)
  // A session may hold it still, though its line has been changed by hand.
  const listening = listeningOn(gateway, seen)
  const fresh = forwardsOn(gateway, device).find(
    (forward) =>
      !held.some((one) => isSameEndpoint(one, forward)) && !listening.some((one) => isInTheWay(one, forward)),
  )
  return fresh && printForward(fresh)
}

/** `ssh -f -N` ends well when the login and the forward stand; its words go to stdout. Then it is ended. */
function dialOnce(
  device: Device,
  gateway: Gateway,
  { forward, seconds }: { readonly forward: string | undefined; readonly seconds: number },
): Sh {
  const { address, port } = gateway.dial
  const account = accountOn(gateway, device)
  return sh`
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    set -- ${forward === undefined ? [] : ['-R', forward]}
    timeout -k 1 ${seconds} ssh -v -E "$folder/log" -f -N -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none \
      -o IdentityFile=${key} -o PreferredAuthentications=publickey -o UserKnownHostsFile=${knownHosts} -o CheckHostIP=no \
      -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o HostKeyAlias=${gateway.name} \
      -o ExitOnForwardFailure=yes -o ControlMaster=yes -o ControlPath="$folder/control" -o ConnectTimeout=${seconds} \
      "$@" -p ${port} -l ${account} ${address} >/dev/null 2>&1 </dev/null
    end=$?
    [ ! -S "$folder/control" ] || ssh -F none -o ControlPath="$folder/control" -O exit trial >/dev/null 2>&1
    cat "$folder/log"
    exit "$end"
  `
}
