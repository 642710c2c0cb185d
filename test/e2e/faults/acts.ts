import { local } from '../../../src/lab/local.ts'
import { connections, inside, type Pair } from './pair.ts'

// What a session of sshd calls itself: `sshd-session: NAME` from 9.8 on, `sshd: NAME` before; its monitor adds `[priv]`.
const sessions = `pgrep -f '^sshd(-session)?: tunnel'`
const holders = `pgrep -f '^sshd(-session)?: tunnel[^ ]*$'`

/** Signals the gateway's process that holds the tunnel. @throws when there is none */
export async function signalHolder({ gateway }: Pair, signal: string): Promise<void> {
  await inside(gateway, `pids=$(${holders}) && kill -${signal} $pids`)
}

/** Ends all of the tunnel's processes on the gateway, frozen or not. */
export async function endSessions({ gateway }: Pair): Promise<void> {
  await inside(gateway, `kill -KILL $(${sessions}) 2>/dev/null || :`)
}

/** Signals the device's ssh that keeps the tunnel, and not what supervises it. @throws when there is none */
export async function signalClient({ device }: Pair, signal: string): Promise<void> {
  await inside(device, `pkill -${signal} -f '^/usr/bin/ssh .*-N '`)
}

/** A router that has restarted: of what it knew of this one device it lets nothing through, without a word. */
export async function forgetFlows(pair: Pair): Promise<void> {
  const drops = (await connections(pair)).flatMap((end) => {
    const [address, port] = end.split(':')
    return [`ip saddr ${address} tcp sport ${port} drop`, `ip daddr ${address} tcp dport ${port} drop`]
  })
  const chain = ['chain forward {', 'type filter hook forward priority -10;', ...drops, '}']
  await inFirewall(pair, [`table inet ${tableOf(pair)} {`, ...chain, '}', ''].join('\n'))
}

export async function rememberFlows(pair: Pair): Promise<void> {
  await inFirewall(pair, `table inet ${tableOf(pair)}\ndelete table inet ${tableOf(pair)}`)
}

const tableOf = ({ device }: Pair) => `forgotten_${device.name.replaceAll(/\W/g, '_')}`

const inFirewall = ({ lab }: Pair, rules: string) =>
  local(['nsenter', `--net=/run/netns/${lab.id}+firewall`, 'nft', '-f', '-'], { input: rules })
