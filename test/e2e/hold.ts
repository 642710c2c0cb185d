import { join } from 'node:path'
import type { Machine } from '../../src/lab/index.ts'
import { until } from '../../src/lab/local.ts'

/**
 * Where a host can be held in the middle of the changes of playbooks/holding.ts: `look` is the look that the plan is made
 * from, `inspect` the look after the change, `waiting` the wait for the login that confirms, which its sshd does not answer then.
 */
export type Phase = 'look' | 'stage' | 'validate' | 'commit' | 'activate' | 'inspect' | 'waiting' | 'undo'

export const holdingPlaybook = join(import.meta.dirname, 'playbooks/holding.ts')

/** The file that the playbook rewrites was there before, with another owner and mode. */
export const prepare = (machine: Machine) =>
  machine.sh('echo old >/etc/e2e-first; chmod 600 /etc/e2e-first; chown daemon: /etc/e2e-first')

export const hold = (machine: Machine, phase: Phase) => machine.sh(`rm -f /run/held; echo ${phase} >/run/hold`)

/** Waits until the host is in the middle of that phase. */
export async function held(machine: Machine, phase: Phase, timeoutMs = 90_000): Promise<void> {
  const there = phase === 'waiting' ? 'test -e /var/lib/provision/current/waiting' : `grep -qx ${phase} /run/held`
  const came = await until(async () => (await machine.sh(there)).code === 0 || undefined, { timeoutMs, everyMs: 150 })
  if (came) return
  const { stdout } = await machine.sh('cd /var/lib/provision; cat /run/hold /run/held; ls -l . current; cat */*/why')
  throw new Error(`${machine.name} did not come to ${phase}: ${stdout}`)
}

/** Lets it go on, and its sshd answer again. */
export const release = (machine: Machine) =>
  machine.sh('rm -f /run/hold; kill -CONT $(systemctl show --property=MainPID --value ssh.service)')

/** An inventory of devices alone, without any tunnel. */
export const devicesCalled = (names: readonly string[]) => ({
  login: { user: 'user001' },
  devices: Object.fromEntries(names.map((name) => [name, {}])),
})
