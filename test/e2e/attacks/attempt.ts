import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../../src/lab/index.ts'
import type { Attack, Mode } from './matrix.ts'

const scripts = import.meta.dirname
const folder = '/var/attack'

/** A device's key in a thief's hands, and one gateway that knows it. */
export interface Target {
  readonly gateway: Machine
  readonly thief: Machine
  readonly mode: Mode
  readonly account: string
  readonly port: number
  /** What it tells `ssh -R` to listen at. */
  readonly listens: string
  /** Another device of that gateway, switched off: its port is free, which makes the attack possible. */
  readonly neighbour: { readonly account: string; readonly port: number; readonly socket: string }
  /** Another machine that answers at port 7000. */
  readonly beyond: Machine
  /** Different for every gateway: ports and devices of its own on the thief's machine. */
  readonly number: number
  /** The number of the tun device on the gateway that belongs to the account. */
  readonly tun: number
}

/** Every machine says its name at port 7000 and at /run/hello.sock: what is heard came from there. */
export async function sayHello(machine: Machine): Promise<void> {
  const unit = (name: string, text: string) => writeFile(join(machine.root, 'etc/systemd/system', name), text)
  await unit('hello@.service', '[Service]\nExecStart=/bin/cat /etc/hostname\nStandardOutput=socket\n')
  await unit(
    'hello.socket',
    '[Socket]\nListenStream=7000\nListenStream=/run/hello.sock\nAccept=yes\nMaxConnections=500\nTriggerLimitIntervalSec=0\n',
  )
  await mkdir(join(machine.root, folder), { recursive: true })
  const { code, stderr } = await machine.sh('systemctl daemon-reload && systemctl start hello.socket')
  if (code !== 0) throw new Error(`${machine.name}: ${stderr}`)
}

/** The thief has the device itself: its key, an agent, a second key, and all the time of the world. */
export async function prepareThief(thief: Machine): Promise<void> {
  const at = (path: string) => join(thief.root, folder, path)
  const common = `BatchMode yes
IdentitiesOnly yes
UserKnownHostsFile /etc/reverse-tunnel/known_hosts
GlobalKnownHostsFile /dev/null
ForwardAgent yes
ForwardX11 yes
ForwardX11Trusted yes
SendEnv STOLEN
ConnectTimeout 30
KexAlgorithms curve25519-sha256
`
  await writeFile(at('config'), `${common}IdentityFile /etc/reverse-tunnel/id_ed25519\n`)
  await writeFile(at('other-key'), `${common}IdentityFile ${folder}/other\n`)
  const password = 'BatchMode no\nPubkeyAuthentication no\nNumberOfPasswordPrompts 1\n'
  await writeFile(at('password'), password + common)
  await writeFile(at('askpass'), '#!/bin/sh\necho stolen\n', { mode: 0o755 })
  await writeFile(at('thief.sh'), await readFile(join(scripts, 'thief.sh')))
  const { code, stderr } = await thief.sh(`set -e; cd ${folder}
    ssh-keygen -q -t ed25519 -N '' -C other -f other
    ssh-keygen -q -t ed25519 -N '' -C stolen-agent -f another
    ssh-agent -a agent >/dev/null; SSH_AUTH_SOCK=agent ssh-add -q another
    mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
    systemctl stop 'reverse-tunnel-*'`)
  if (code !== 0) throw new Error(`${thief.name}: ${stderr}`)
}

/**
 * What the attacks need on the gateway to have a chance. Its sshd lets the thief try as often as he likes: penalties are
 * another matter than what he gets.
 */
export async function prepareGateway(gateway: Machine, targets: readonly Target[]): Promise<void> {
  const at = (path: string) => join(gateway.root, folder, path)
  await writeFile(at('gateway.sh'), await readFile(join(scripts, 'gateway.sh')))
  const lenient = ['MaxStartups 100', ...(gateway.suite === 'trixie' ? ['PerSourcePenalties no'] : [])]
  await writeFile(join(gateway.root, 'etc/ssh/sshd_config.d/01-attack.conf'), `${lenient.join('\n')}\n`)
  const accounts = targets.map(({ account }) => account)
  const prepared = await gateway.exec([
    'sh',
    `${folder}/gateway.sh`,
    'prepare',
    String(targets[0]?.number),
    ...accounts,
  ])
  if (prepared.code !== 0) throw new Error(`${gateway.name}: ${prepared.stderr}`)
  const stolen: string[] = []
  for (const { account, thief } of targets) {
    const key = await readFile(join(thief.root, 'etc/reverse-tunnel/id_ed25519.pub'), 'utf8')
    const other = await readFile(join(thief.root, folder, 'other.pub'), 'utf8')
    await writeFile(at(`home/${account}/.ssh/authorized_keys`), key + other)
    stolen.push(key)
  }
  await writeFile(at('stolen.pub'), stolen.join(''))
  const { code, stderr } = await gateway.sh('sshd -t && systemctl reload ssh')
  if (code !== 0) throw new Error(`${gateway.name}: ${stderr}`)
}

/** An sshd of the gateway. */
export interface Door {
  readonly port: number
  /** Does the account see its own folder alone. */
  readonly jailed: boolean
}

/** Tries these attacks on one sshd. `in` and `own` say that the key was accepted and its own port carries. */
export async function attempt(
  target: Target,
  attacks: readonly Attack[],
  { port, jailed }: Door,
): Promise<ReadonlySet<string>> {
  const { gateway, thief, mode, account, listens, neighbour, beyond, number, tun } = target
  const names = attacks.map(({ name }) => name)
  const words = {
    ...{ gateway: gateway.name, beyond: beyond.name, account, number, tun, port, neighbour: neighbour.port },
    ...{ beyond_address: beyond.address, socket: neighbour.socket },
    own: `${mode === 'sshd' || jailed ? listens : `/run/reverse-tunnel/${account}${listens}`}:127.0.0.1:7000`,
    published: target.port,
    address6: `fd77:1::${(16 + number).toString(16)}`,
    others: [gateway.user, 'root', neighbour.account].filter((other) => other !== account).join(' '),
  }
  const env = Object.entries(words).map(([name, value]) => `${name}=${value}`)
  const tried = await thief.exec(['env', ...env, 'sh', `${folder}/thief.sh`, ...names])
  if (tried.code !== 0) throw new Error(`${thief.name} → ${gateway.name}:${port}: ${tried.stderr}`)
  const look = [String(target.port), String(neighbour.port), neighbour.socket, thief.name, 'own', ...names]
  const seen = await gateway.exec(['sh', `${folder}/gateway.sh`, 'look', ...look])
  return new Set([...tried.stdout.split('\n'), ...seen.stdout.split('\n')].filter(Boolean))
}
