import { readFile } from 'node:fs/promises'
import { until } from '../../../src/lab/local.ts'
import { capture } from '../../../src/lab/run.ts'
import { login, type Pair } from './pair.ts'

/**
 * Ten times a second a new connection, each of which waits for a sshd to say who it is: one that hangs in a dead session
 * must not hide the next, which is answered. The first answer ends all of them; a network that is gone, too.
 */
const knock = `exec 9<> <(:)
while [ "\${EPOCHREALTIME%.*}" -lt "$1" ] && [ /proc/self/ns/net -ef "$3" ]; do
  {
    exec 3<>"/dev/tcp/127.0.0.1/$2" && read -r -t 3 line <&3 && [[ $line == SSH-2.0-* ]] &&
      echo "$EPOCHREALTIME" && kill -KILL 0
  } 2>/dev/null &
  read -r -t 0.1 -u 9
done`

/** Who listens for the tunnel on the gateway, by the inodes of the sockets: a new session has a new one. */
export async function listeners(pair: Pair): Promise<ReadonlySet<string>> {
  return inodes(await pair.gateway.leader(), pair)
}

async function inodes(leader: number, { listener, port }: Pair): Promise<ReadonlySet<string>> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const [table, row] = {
    sshd: ['tcp', new RegExp(`: 0100007F:${hex} \\S+ 0A (?:\\S+ +){5}(\\d+) `, 'g')] as const,
    socket: ['unix', new RegExp(`: \\S+ \\S+ 00010000 \\S+ \\S+ +(\\d+) \\S*/s/\\S*${port}\\S*$`, 'gm')] as const,
  }[listener]
  const rows = await readFile(`/proc/${leader}/net/${table}`, 'utf8')
  return new Set([...rows.matchAll(row)].map(([, inode]) => inode ?? ''))
}

/**
 * The moment (as Date.now() counts) at which the right device answered again: the first banner that was followed at once
 * by a good login. Undefined: not before the deadline.
 */
export async function recovered(pair: Pair, deadline: number): Promise<number | undefined> {
  for (;;) {
    const left = deadline - Date.now()
    if (left <= 0) return undefined
    const at = await banner(pair, deadline)
    if (at !== undefined && (await login(pair)) === 'ok') return at
  }
}

/**
 * Waits without a word on the wire until another listener than these is there. Where the dead session still holds the
 * port, a knock would reach it, be answered by a reset, and so make the very recovery faster that is measured.
 */
export async function anotherListener(pair: Pair, old: ReadonlySet<string>, deadline: number): Promise<void> {
  const leader = await pair.gateway.leader()
  const look = async () => [...(await inodes(leader, pair))].some((inode) => !old.has(inode)) || undefined
  // The kernel goes through all connections that this whole machine could have, for 4 ms, to show those of one gateway.
  await until(look, { timeoutMs: Math.max(0, deadline - Date.now()), everyMs: 100 })
}

async function banner({ gateway, port }: Pair, deadline: number): Promise<number | undefined> {
  const network = `/run/netns/${gateway.namespace}`
  const words = ['bash', '-c', knock, 'bash', String(Math.ceil(deadline / 1000)), String(port), network]
  // Without it bash takes its standard input for a remote login and reads ~/.bashrc first (bash(1), INVOCATION).
  const env = { ...process.env, SHLVL: '1' }
  const line = { argv: ['nsenter', `--net=${network}`, ...words] as const, env }
  const { stdout } = await capture(line, { timeoutMs: deadline - Date.now() + 1000 })
  const [seconds] = stdout.split('\n')
  if (seconds) return Number(seconds) * 1000
  // A gateway without power has no network to knock in.
  await new Promise((resolve) => setTimeout(resolve, 50))
  return undefined
}
