import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../errors.ts'
import { isThere } from '../files/atomic.ts'
import { makeCgroups } from './cgroup.ts'
import { emulate, emulatedOf, isEmulating } from './emulated.ts'
import { until } from './local.ts'
import { giveNames, ownHostsOf } from './names.ts'
import { cutOff, plugIn, unplug } from './network.ts'
import type { LabPlan, MachinePlan } from './plan.ts'
import { killIn, leaderIn, leaderOf } from './processes.ts'
import { bootOf, hasCard, rootOf } from './root.ts'

// `reboot` inside makes nspawn end with 133 (with --keep-unit it cannot start over by itself).
// A card's PID 1 gets the words of its kernel command line, as they stand at each boot.
const supervisor = `groups=$1; kernel=$2; shift 2; set -f
for group in $groups; do echo $$ >"$group/cgroup.procs"; done
while :; do
  "$@" $(cat "$kernel" 2>/dev/null)
  code=$?
  [ "$code" -eq 133 ] || exit "$code"
done`

// sshd is there once it says who it is; a TCP connect alone proves nothing.
const knock = `exec 4<> <(:)
until { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && read -r -t 2 line <&3 && [[ $line == SSH-* ]]; do
  exec 3>&-; read -r -t 0.05 -u 4 || :
done`

const consoleOf = (machine: MachinePlan): string => join(machine.directory, 'console.log')

/**
 * Switches the machine on, and waits until people can log in: on one that runs from a card that is a matter of the
 * card, so it only waits for PID 1. A machine that is on already stays as it is.
 */
export async function powerOn(plan: LabPlan, machine: MachinePlan): Promise<void> {
  if ((await leaderIn(machine.namespace)) || (await isEmulating(machine))) return
  await powerOff(machine)
  // A fresh namespace: the sockets of a machine that lost its power never speak again.
  await unplug(plan, machine)
  await plugIn(plan, machine)
  await giveNames(plan, machine)
  const log = await open(consoleOf(machine), 'a')
  const emulated = await emulatedOf(machine)
  if (emulated) return emulate(plan, machine, emulated, log.fd).finally(() => log.close())
  const groups = await makeCgroups(machine.nspawnName)
  const card = await hasCard(machine)
  const kernel = join(bootOf(machine), 'cmdline.txt')
  const argv = [supervisor, 'sh', groups.join(' '), kernel, ...nspawnCommand(machine, card)]
  const child = spawn('nsenter', [`--net=/run/netns/${machine.namespace}`, 'sh', '-c', ...argv], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '' },
  })
  child.unref()
  await log.close()
  await (card ? runs(machine, child) : answers(machine, child))
}

/** A power cut: nobody is told, not even by a last packet. The disk stays. */
export async function powerOff(machine: MachinePlan): Promise<void> {
  if (!(await isThere(`/run/netns/${machine.namespace}`))) return
  await cutOff(machine.namespace)
  await killIn([machine.namespace])
}

function nspawnCommand(machine: MachinePlan, card: boolean): string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    `--directory=${rootOf(machine)}`,
    '--boot',
    '--register=no',
    '--keep-unit',
    `--machine=${machine.nspawnName}`,
    `--network-namespace-path=/run/netns/${machine.namespace}`,
    '--resolv-conf=off',
    '--timezone=off',
    '--console=pipe',
    card ? `--bind=${bootOf(machine)}:/run/card` : `--bind-ro=${ownHostsOf(machine)}:/etc/hosts`,
    // For firewall rules of its own; the network namespace is not nspawn's, so it would take this away.
    '--capability=CAP_NET_ADMIN',
  ]
}

async function answers(machine: MachinePlan, child: ChildProcess): Promise<void> {
  const port = String(machine.ports[0] ?? 22)
  const knocker = spawn('nsenter', [`--net=/run/netns/${machine.namespace}`, 'bash', '-c', knock, 'bash', port], {
    stdio: 'ignore',
  })
  let banner = false
  knocker.once('exit', (code) => {
    banner = code === 0
  })
  const leader = leaderOf(machine.namespace)
  const ready = async () => banner && letsPeopleIn(await leader())
  await booted(machine, child, { ready, otherwise: 'its sshd did not answer within 30 s' }).finally(() =>
    knocker.kill('SIGKILL'),
  )
}

async function runs(machine: MachinePlan, child: ChildProcess): Promise<void> {
  const ready = async () => (await leaderIn(machine.namespace)) !== undefined
  await booted(machine, child, { ready, otherwise: 'its systemd did not start within 30 s' })
}

async function booted(
  machine: MachinePlan,
  child: ChildProcess,
  { ready, otherwise }: { readonly ready: () => Promise<boolean>; readonly otherwise: string },
): Promise<void> {
  let ended: string | undefined
  child.once('exit', (code, signal) => {
    ended = `nspawn ended (${code ?? signal})`
  })
  const came = await until(async () => ended !== undefined || (await ready()) || undefined, { timeoutMs: 30_000 })
  if (came && ended === undefined) return
  const log = (await readFile(consoleOf(machine), 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15)
  const why = ended ?? otherwise
  throw new ProvisionError(`lab: ${machine.name} did not boot: ${why}`, `the end of its console:\n${log.join('\n')}`)
}

/** While systemd comes up, pam_nologin turns everybody but root away although sshd answers. */
async function letsPeopleIn(leader: number | undefined): Promise<boolean> {
  if (leader === undefined) return false
  return !(await isThere(`/proc/${leader}/root/run/nologin`))
}
